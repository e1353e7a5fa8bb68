use redis::{Connection, cmd};
use tempfile::TempDir;
use venomqa_adapters::{RedisMode, RedisOptions, Result, System};
use venomqa_tests::servers::Redis;

use crate::Subject;

/// Keys of four types with ten prefixes, in the place of rows in ten tables.
pub(crate) struct Keys {
    server: Redis,
    application: Connection,
    state: TempDir,
    rows: usize,
}

impl Keys {
    pub(crate) fn start() -> Self {
        let server = Redis::own(&[]);
        let client = redis::Client::open(server.url(0)).expect("a URL");
        Self {
            application: client.get_connection().expect("it runs"),
            state: tempfile::tempdir().expect("a folder"),
            server,
            rows: 0,
        }
    }

    fn options(&self) -> RedisOptions {
        let options = RedisOptions::from_url(&self.server.url(0)).expect("a URL");
        options.state_folder(self.state.path())
    }
}

impl Subject for Keys {
    async fn fill(&mut self, rows: usize) {
        self.rows = rows;
        let _: () = cmd("FLUSHDB")
            .query(&mut self.application)
            .expect("emptied");
        let payload = "x".repeat(80);
        for table in 0..10 {
            let mut filling = redis::pipe();
            for row in 0..rows {
                let key = format!("t{table}:{row}");
                let filling = filling.ignore();
                match row % 4 {
                    0 => filling.cmd("SET").arg(key).arg(format!("{row} {payload}")),
                    1 => filling
                        .cmd("HSET")
                        .arg(key)
                        .arg("qty")
                        .arg(row)
                        .arg("name")
                        .arg(&payload),
                    2 => filling.cmd("RPUSH").arg(key).arg("a").arg("b").arg(row),
                    _ => filling
                        .cmd("ZADD")
                        .arg(key)
                        .arg(row)
                        .arg("m")
                        .arg(2)
                        .arg("n"),
                };
            }
            let _: () = filling.query(&mut self.application).expect("filled");
        }
    }

    async fn change(&mut self, round: usize, rows: usize) {
        let mut changing = redis::pipe();
        for n in 0..rows {
            let (table, row) = (n % 10, (round * 37 + n / 10) % self.rows);
            let key = format!("t{table}:{row}");
            match (row % 4, n % 3) {
                (_, 2) => changing.cmd("DEL").arg(key),
                (0, _) => changing.cmd("APPEND").arg(key).arg("!"),
                (1, _) => changing.cmd("HINCRBY").arg(key).arg("qty").arg(1),
                (2, _) => changing.cmd("RPUSH").arg(key).arg("new"),
                _ => changing.cmd("ZADD").arg(key).arg(5).arg("new"),
            };
        }
        let _: () = changing
            .ignore()
            .query(&mut self.application)
            .expect("changed");
    }

    async fn round_trip(&mut self) {
        let _: String = cmd("PING")
            .query(&mut self.application)
            .expect("it answers");
    }

    async fn following(&mut self) -> Result<Box<dyn System>> {
        let options = self.options().mode(RedisMode::Tracking);
        Ok(Box::new(options.connect().await?))
    }

    async fn copying(&mut self) -> Result<Box<dyn System>> {
        let options = self.options().mode(RedisMode::Dump);
        Ok(Box::new(options.connect().await?))
    }
}
