//! Commands that are hard to follow, on keys of all types.

use venomqa_adapters::BoxFuture;
use venomqa_adapters::conformance::{Contents, Dice, Workload};

use crate::app::{App, CONNECTIONS, Words, words};
use crate::look::Looker;

/// A key of a few, some of them with bytes that are no text.
fn key(dice: &mut Dice, prefix: &str) -> Vec<u8> {
    let mut key = format!("{prefix}{}", dice.below(5)).into_bytes();
    if dice.percent(25) {
        key.extend([0, 255, b'\r', b'\n', b'"', b'\\']);
    }
    key
}

fn value(dice: &mut Dice) -> Vec<u8> {
    match dice.below(6) {
        0 => vec![0, 255, b'\r', b'\n', b'$', b'5'],
        1 => Vec::new(),
        2 => "naïve \"quote\" \\x00".into(),
        3 => vec![b'x'; 100],
        _ => dice.below(30).to_string().into_bytes(),
    }
}

/// The seconds that keys have. After them a key is still in the same span for a long while.
fn seconds(dice: &mut Dice) -> String {
    (*dice.pick(&["1500", "3000", "6000"])).into()
}

/// One random command, or several that belong together.
///
/// `other` is another database that takes part.
pub(crate) fn commands(dice: &mut Dice, other: u32) -> Vec<Words> {
    let number = dice.below(10).to_string();
    let small = dice.below(4).to_string();
    let mut command: Vec<Vec<u8>> = Vec::new();
    let mut say = |parts: &[&[u8]]| command.extend(parts.iter().map(|part| part.to_vec()));
    let n = number.as_bytes();
    match dice.below(64) {
        0..3 => say(&[b"SET", &key(dice, "s"), &value(dice)]),
        3 => say(&[
            b"SET",
            &key(dice, "s"),
            &value(dice),
            b"EX",
            seconds(dice).as_bytes(),
        ]),
        4 => say(&[b"SET", &key(dice, "s"), &value(dice), b"KEEPTTL"]),
        5 => say(&[b"APPEND", &key(dice, "s"), &value(dice)]),
        6 => say(&[b"INCRBY", &key(dice, "n"), n]),
        7 => say(&[b"INCRBYFLOAT", &key(dice, "n"), b"0.1"]),
        8 => say(&[b"GETDEL", &key(dice, "s")]),
        9 => say(&[b"GETEX", &key(dice, "s"), b"EX", seconds(dice).as_bytes()]),
        10 => say(&[b"SETRANGE", &key(dice, "s"), n, b"zz"]),
        11 => say(&[b"SETBIT", &key(dice, "b"), n, b"1"]),
        12 => say(&[b"BITFIELD", &key(dice, "b"), b"INCRBY", b"u8", n, b"7"]),
        13 => say(&[
            b"BITOP",
            b"XOR",
            &key(dice, "b"),
            &key(dice, "b"),
            &key(dice, "s"),
        ]),
        14 => say(&[b"PFADD", &key(dice, "p"), &value(dice), n]),
        15 => say(&[b"PFCOUNT", &key(dice, "p")]),
        16 => say(&[
            b"PFMERGE",
            &key(dice, "p"),
            &key(dice, "p"),
            &key(dice, "p"),
        ]),
        17..19 => say(&[b"HSET", &key(dice, "h"), n, &value(dice)]),
        19 => say(&[b"HDEL", &key(dice, "h"), n]),
        20 => say(&[b"HINCRBYFLOAT", &key(dice, "h"), b"f", b"1.5"]),
        21 => {
            // More fields than the compact form takes.
            say(&[b"HSET", &key(dice, "h")]);
            (0..200).for_each(|i: i32| {
                command.extend([i.to_string().into_bytes(), b"v".to_vec()]);
            });
        }
        22 => say(&[b"RPUSH", &key(dice, "l"), &value(dice), n]),
        23 => say(&[b"LPOP", &key(dice, "l")]),
        24 => say(&[b"LINSERT", &key(dice, "l"), b"BEFORE", n, &value(dice)]),
        25 => say(&[
            b"LMOVE",
            &key(dice, "l"),
            &key(dice, "l"),
            b"LEFT",
            b"RIGHT",
        ]),
        26 => say(&[b"LTRIM", &key(dice, "l"), b"0", b"3"]),
        27 => {
            say(&[b"RPUSH", &key(dice, "l")]);
            (0..1500).for_each(|i: i32| command.push(i.to_string().into_bytes()));
        }
        28 => say(&[
            b"SORT",
            &key(dice, "l"),
            b"ALPHA",
            b"STORE",
            &key(dice, "l"),
        ]),
        29 => say(&[b"SADD", &key(dice, "e"), n, &value(dice)]),
        30 => say(&[b"SPOP", &key(dice, "e")]),
        31 => say(&[b"SMOVE", &key(dice, "e"), &key(dice, "e"), n]),
        32 => say(&[
            b"SUNIONSTORE",
            &key(dice, "e"),
            &key(dice, "e"),
            &key(dice, "e"),
        ]),
        33 => {
            say(&[b"SADD", &key(dice, "e")]);
            (0..200).for_each(|i: i32| command.push(format!("m{i}").into_bytes()));
        }
        34 => say(&[b"ZADD", &key(dice, "z"), n, &value(dice)]),
        35 => say(&[b"ZADD", &key(dice, "z"), b"-inf", n, b"0.1", b"x"]),
        36 => say(&[b"ZINCRBY", &key(dice, "z"), b"1.1", n]),
        37 => say(&[b"ZPOPMIN", &key(dice, "z")]),
        38 => say(&[
            b"ZUNIONSTORE",
            &key(dice, "z"),
            b"2",
            &key(dice, "z"),
            &key(dice, "e"),
            b"WEIGHTS",
            b"2",
            n,
        ]),
        39 => say(&[b"GEOADD", &key(dice, "z"), b"13.3", b"38.1", n]),
        40 => say(&[b"ZRANGESTORE", &key(dice, "z"), &key(dice, "z"), b"0", b"2"]),
        41..43 => say(&[b"XADD", &key(dice, "x"), b"*", b"f", &value(dice)]),
        43 => say(&[
            b"XGROUP",
            b"CREATE",
            &key(dice, "x"),
            b"g",
            b"0",
            b"MKSTREAM",
        ]),
        44..46 => {
            let consumer = format!("c{small}");
            let from: &[u8] = if dice.percent(70) { b">" } else { b"0" };
            say(&[
                b"XREADGROUP",
                b"GROUP",
                b"g",
                consumer.as_bytes(),
                b"COUNT",
                b"2",
                b"STREAMS",
                &key(dice, "x"),
                from,
            ]);
        }
        46 => say(&[b"XAUTOCLAIM", &key(dice, "x"), b"g", b"c9", b"0", b"0"]),
        47 => say(&[b"XGROUP", b"SETID", &key(dice, "x"), b"g", b"$"]),
        48 => say(&[b"XGROUP", b"DELCONSUMER", &key(dice, "x"), b"g", b"c1"]),
        49 => say(&[b"XGROUP", b"DESTROY", &key(dice, "x"), b"g"]),
        50 => say(&[b"XTRIM", &key(dice, "x"), b"MAXLEN", small.as_bytes()]),
        51 => say(&[b"RENAME", &key(dice, "s"), &key(dice, "s")]),
        52 => say(&[b"RENAME", &key(dice, "h"), &key(dice, "l")]),
        53 => {
            let prefix = *dice.pick(&["s", "h", "l", "e", "z", "x", "p"]);
            let other = other.to_string();
            let mut from = vec![b"COPY".to_vec(), key(dice, prefix), key(dice, prefix)];
            if dice.percent(60) {
                from.extend([b"DB".to_vec(), other.into_bytes()]);
            }
            from.push(b"REPLACE".to_vec());
            return vec![from];
        }
        54 => {
            let prefix = *dice.pick(&["s", "h", "l", "e", "z", "x"]);
            say(&[b"MOVE", &key(dice, prefix), other.to_string().as_bytes()]);
        }
        55 => {
            let prefix = *dice.pick(&["s", "h", "l", "e", "z", "x"]);
            say(&[b"EXPIRE", &key(dice, prefix), seconds(dice).as_bytes()]);
        }
        56 => {
            let prefix = *dice.pick(&["s", "h", "l", "e", "z", "x"]);
            say(&[b"PERSIST", &key(dice, prefix)]);
        }
        57 => {
            let prefix = *dice.pick(&["s", "n", "b", "h", "l", "e", "z", "x", "p"]);
            say(&[b"DEL", &key(dice, prefix), &key(dice, prefix)]);
        }
        58 => {
            let script = "redis.call('SET', 'lua' .. ARGV[1], ARGV[1]); redis.call('DEL', KEYS[1]); return redis.call('HSET', KEYS[2], 'lua', ARGV[1])";
            say(&[
                b"EVAL",
                script.as_bytes(),
                b"2",
                &key(dice, "l"),
                &key(dice, "h"),
                small.as_bytes(),
            ]);
        }
        59 => {
            let mut several = vec![words("MULTI")];
            several.push(vec![b"SET".to_vec(), key(dice, "s"), value(dice)]);
            several.push(vec![b"SADD".to_vec(), key(dice, "e"), value(dice)]);
            several.push(vec![b"DEL".to_vec(), key(dice, "n")]);
            several.push(words(if dice.percent(70) { "EXEC" } else { "DISCARD" }));
            return several;
        }
        60 => {
            // A pipeline that goes back and forth.
            let key = key(dice, "s");
            let set = |value: &str| vec![b"SET".to_vec(), key.clone(), value.into()];
            return vec![
                set("a"),
                set("b"),
                vec![b"DEL".to_vec(), key.clone()],
                set(&number),
            ];
        }
        61 => {
            // As a client that keeps scripts does.
            let load = vec![b"EVAL".to_vec(), b"return 1".to_vec(), b"0".to_vec()];
            return vec![
                load,
                words("EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0"),
                words("INCR n0"),
            ];
        }
        62 if dice.percent(30) => say(&[b"FLUSHDB"]),
        63 if dice.percent(30) => {
            say(&[b"SWAPDB", other.to_string().as_bytes()]);
            // The other one is this one, as seen from there.
            command.push(Vec::new());
        }
        _ => say(&[b"XACK", &key(dice, "x"), b"g", b"0-1"]),
    }
    vec![command]
}

fn shown(commands: &[Words]) -> String {
    let commands = commands.iter().map(|command| {
        let arguments: Vec<_> = command
            .iter()
            .map(|word| word.escape_ascii().to_string())
            .collect();
        arguments.join(" ")
    });
    commands.collect::<Vec<_>>().join("; ")
}

/// The application and an independent observer of its two databases.
pub(crate) struct Hostile {
    pub(crate) app: App,
    pub(crate) looker: Looker,
    databases: [u32; 2],
    /// Commands that succeeded.
    pub(crate) applied: usize,
}

impl Hostile {
    /// Empties two databases, and leaves the application running on them with a few keys.
    pub(crate) fn start(url: impl Fn(u32) -> String, databases: [u32; 2]) -> Self {
        let urls: Vec<_> = databases.iter().map(|&database| url(database)).collect();
        let mut app = App::start(&urls);
        for connection in [0, 1] {
            for line in [
                "FLUSHDB",
                "SET s0 first",
                "SET s1 second EX 3000",
                "HSET h0 a 1 b 2",
                "RPUSH l0 1 2 3",
                "SADD e0 a b c",
                "ZADD z0 1 one 2 two",
                "XADD x0 1-1 f v",
                "XGROUP CREATE x0 g 0",
                "EXPIRE x0 6000",
            ] {
                app.run_on(connection, line);
            }
        }
        let looker = Looker::open(&urls[0], &databases);
        Self {
            app,
            looker,
            databases,
            applied: 0,
        }
    }

    /// Does something at random.
    pub(crate) fn step(&mut self, dice: &mut Dice) {
        let connection = dice.below(CONNECTIONS);
        let [here, other] = match connection % 2 {
            0 => self.databases,
            _ => [self.databases[1], self.databases[0]],
        };
        let mut commands = commands(dice, other);
        if commands[0][0] == b"SWAPDB" {
            commands[0][2] = here.to_string().into_bytes();
        }
        // Some are refused, such as those for a key of another type.
        match self.app.attempt(connection, &commands) {
            Ok(_) => self.applied += 1,
            Err(error) => {
                let known = [
                    "WRONGTYPE",
                    "no such key",
                    "NOGROUP",
                    "BUSYGROUP",
                    "not an integer",
                    "not a valid float",
                    "EXECABORT",
                    "unsupported",
                    "not a float",
                    "requires the key",
                    "same objects",
                    "destination objects are the same",
                    "not a valid HyperLogLog",
                    "NOSCRIPT",
                    "overflow",
                    "NaN",
                    "offset",
                ];
                assert!(
                    known.iter().any(|known| error.contains(known)),
                    "{}: {error}",
                    shown(&commands)
                );
            }
        }
    }
}

impl Workload for Hostile {
    fn change<'a>(&'a mut self, dice: &'a mut Dice) -> BoxFuture<'a, ()> {
        self.step(dice);
        Box::pin(std::future::ready(()))
    }

    fn contents(&mut self) -> BoxFuture<'_, Contents> {
        Box::pin(std::future::ready(self.looker.contents()))
    }

    fn dump(&mut self) -> BoxFuture<'_, String> {
        Box::pin(std::future::ready(self.looker.dump()))
    }
}
