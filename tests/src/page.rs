/// A page of the guide, which shows messages as runs print them.
#[derive(Debug)]
pub struct Page {
    name: String,
    text: String,
}

impl Page {
    /// The page of this name: `sqlite`.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn of(name: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../venomqa/src/docs");
        let text = std::fs::read_to_string(format!("{folder}/{name}.md"));
        Self {
            name: name.into(),
            text: normal(&text.unwrap_or_else(|error| panic!("{name}.md: {error}"))),
        }
    }

    /// Checks that the page shows this message. Line breaks, numbers and the names of processes may differ.
    ///
    /// # Panics
    ///
    /// It does not.
    #[track_caller]
    pub fn shows(&self, message: &str) {
        assert!(
            self.text.contains(&normal(message)),
            "the page {}.md does not show what a run says:\n{message}",
            self.name
        );
    }
}

/// The text in one line, with a 0 for each number and `program (process 0)` for each process.
fn normal(text: &str) -> String {
    let mut words: Vec<String> = text.split_whitespace().map(without_digits).collect();
    for i in 1..words.len() {
        if words[i] == "(process" {
            words[i - 1] = "program".into();
        }
    }
    words.join(" ")
}

fn without_digits(word: &str) -> String {
    let mut normal = String::new();
    for letter in word.chars() {
        match letter.is_ascii_digit() {
            true if normal.ends_with('0') => {}
            true => normal.push('0'),
            false => normal.push(letter),
        }
    }
    normal
}
