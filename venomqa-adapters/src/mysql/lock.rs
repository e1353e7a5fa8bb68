use super::install::Side;
use super::link::Link;
use super::options::MySqlOptions;
use super::schema::literal;
use super::stop::Stop;
use crate::database::exclusive::Queue;

/// Waits for the exclusive right to explore a database, and says whom it waits for.
///
/// It is a lock of the server under a name of ours. The server takes it back when the connection ends.
pub(super) async fn acquire(
    link: &mut Link,
    side: &Side,
    system: &str,
    options: &MySqlOptions,
) -> Result<(), Stop> {
    let mut queue = Queue::new(system, options.lock_wait, options.on_wait.as_ref());
    while !attempt(link, side).await? {
        let holder = side.holder(link).await;
        queue
            .wait_for(holder.unwrap_or_else(|| "another run".into()))
            .await?;
    }
    Ok(())
}

/// Takes the lock unless another connection holds it.
pub(super) async fn attempt(link: &mut Link, side: &Side) -> Result<bool, Stop> {
    let sql = format!("SELECT GET_LOCK({}, 0)", literal(&side.database));
    let taken = link.first::<Option<u8>>(&sql).await?;
    Ok(taken.flatten() == Some(1))
}
