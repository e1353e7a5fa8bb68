use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, Client, RedisResult, cmd, pipe};

use super::storage::{Order, Storage};
use crate::server::{Refusal, StartError};

/// Changes the hash unless its status is another than it was (empty for no hash), in one step.
const REPLACE: &str = "
    if (redis.call('HGET', KEYS[1], 'status') or '') ~= ARGV[1] then return 0 end
    redis.call('HSET', KEYS[1], 'status', ARGV[2], 'paid', ARGV[3], 'refunded', ARGV[4])
    return 1
";

/// Orders as hashes in Redis: `order:1`, `order:2` and so on.
#[derive(Debug, Clone)]
pub(super) struct Orders {
    db: MultiplexedConnection,
    max: i64,
}

const FIELDS: [&str; 3] = ["status", "paid", "refunded"];

/// The values of these fields, none of which there is where there is no order.
type Fields = (Option<String>, Option<i64>, Option<i64>);

impl Orders {
    pub(super) async fn open(url: &str, max: i64) -> Result<Self, StartError> {
        Self::connect(url, max)
            .await
            .map_err(StartError::of("Redis"))
    }

    async fn connect(url: &str, max: i64) -> RedisResult<Self> {
        let db = Client::open(url)?
            .get_multiplexed_async_connection()
            .await?;
        Ok(Self { db, max })
    }

    async fn set(&self, id: i64, was: &str, becomes: (&str, i64, i64)) -> Result<bool, Refusal> {
        let (status, paid, refunded) = becomes;
        let mut replace = cmd("EVAL");
        replace.arg(REPLACE).arg(1).arg(key(id));
        replace.arg(was).arg(status).arg(paid).arg(refunded);
        Ok(replace.query_async(&mut self.db.clone()).await?)
    }
}

impl Storage for Orders {
    async fn orders(&self) -> Result<Vec<Order>, Refusal> {
        let mut read = pipe();
        for id in 1..=self.max {
            read.cmd("HMGET").arg(key(id)).arg(&FIELDS);
        }
        let all: Vec<Fields> = read.query_async(&mut self.db.clone()).await?;
        Ok((1..).zip(all).filter_map(order).collect())
    }

    async fn order(&self, id: i64) -> Result<Option<Order>, Refusal> {
        let mut read = cmd("HMGET");
        read.arg(key(id)).arg(&FIELDS);
        Ok(order((id, read.query_async(&mut self.db.clone()).await?)))
    }

    async fn add(&self, id: i64) -> Result<bool, Refusal> {
        self.set(id, "", ("new", 0, 0)).await
    }

    async fn replace(&self, was: &Order, becomes: &Order) -> Result<bool, Refusal> {
        let fields = (&*becomes.status, becomes.paid, becomes.refunded);
        self.set(was.id, &was.status, fields).await
    }

    async fn remove(&self, id: i64) -> Result<bool, Refusal> {
        Ok(self.db.clone().del(key(id)).await?)
    }
}

fn order((id, (status, paid, refunded)): (i64, Fields)) -> Option<Order> {
    Some(Order {
        id,
        status: status?,
        paid: paid?,
        refunded: refunded?,
    })
}

fn key(id: i64) -> String {
    format!("order:{id}")
}
