use venomqa::prelude::*;

#[exploration]
async fn orders() -> Result<Server> {
    Server::spawn(Command::new("orders")).ready_when("/health").await
}

fn main() {}
