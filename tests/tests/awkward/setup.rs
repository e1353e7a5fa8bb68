use venomqa::prelude::*;

use crate::lab::{Lab, assert_clean, write_note};

async fn one_order(api: &HttpClient, _: &Context) -> Verdict {
    let orders = api.get("/orders").send().await?.json()?;
    ensure!(orders.as_array().map(Vec::len) == Some(1), "{orders}");
    Ok(())
}

/// A second run starts where the first one did, also if `setup` creates what must be unique.
#[tokio::test]
async fn what_setup_changed_is_part_of_the_initial_state_and_undone_at_the_end() {
    let lab = Lab::new("");
    for _ in 0..2 {
        let world = lab.world().await;
        let world = world.setup(|api| async move { api.post("/orders").send().await.map(drop) });
        let agent = Agent::new(world)
            .action(Action::new("write_note", write_note))
            .invariant(Invariant::new("one_order", one_order))
            .max_depth(3);
        assert_clean(&agent.explore().await.unwrap());

        let file = rusqlite::Connection::open(lab.database()).unwrap();
        let left: i64 = file
            .query_row("SELECT count(*) FROM orders", [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0);
    }
}
