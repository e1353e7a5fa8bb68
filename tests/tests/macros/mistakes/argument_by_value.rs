use venomqa::prelude::*;

#[invariant]
async fn no_debt(api: HttpClient) -> Verdict {
    api.get("/balance").send().await?;
    Ok(())
}

fn main() {}
