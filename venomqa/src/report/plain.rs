use std::fmt::{self, Display, Write as _};

/// Text that an API, a database or a server chose, safe to print on a terminal and in a log.
///
/// Control characters and those that reorder text are shown as escapes, and so is the beginning of what continuous integration takes for a
/// command. Lines after the first are indented by this many columns, so that none of them can pass for one of ours.
#[derive(Debug)]
pub(crate) struct Plain<'a>(pub(crate) &'a str, pub(crate) usize);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, indent) = *self;
        let lines = text.trim_end().split('\n');
        for (number, line) in lines.enumerate() {
            if number > 0 {
                write!(f, "\n{:indent$}", "")?;
            }
            let line = line.strip_suffix('\r').unwrap_or(line);
            let mut commands = number > 0 && commands(line);
            for (at, character) in line.char_indices() {
                let commands = commands && !character.is_whitespace() && {
                    commands = false;
                    true
                };
                if character == '\t' {
                    f.write_str("    ")?;
                } else if character.is_control()
                    || reorders(character)
                    || commands
                    || line[at..].starts_with("##[")
                {
                    write!(f, "{}", character.escape_unicode())?;
                } else {
                    f.write_char(character)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether the line would be taken for a command: GitHub and others look behind white space too, GitLab and Jenkins attach files.
fn commands(line: &str) -> bool {
    let line = line.trim_start();
    ["::", "##", "[["]
        .iter()
        .any(|start| line.starts_with(start))
}

/// Whether the character changes the direction or hides: what is printed would not be what is there.
fn reorders(character: char) -> bool {
    matches!(
        character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

/// The beginning of a long text, and how much was left out. What is no longer than the note on it is not left out.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(characters) else {
        return text.to_owned();
    };
    let (kept, rest) = text.split_at(end);
    let note = format!("... ({} bytes more)", rest.len());
    match rest.len() > note.len() {
        true => format!("{kept}{note}"),
        false => text.to_owned(),
    }
}

/// The first line that says something, cut.
pub(crate) fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    cut(line.unwrap_or_default(), 200)
}

/// A number of things: `1 state`, `2 states`.
pub(crate) fn plural(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// How many of the first lines an [`excerpt`] shows.
const FIRST_LINES: usize = 4;

/// The first few and this many of the last lines of what a server printed. It begins where the server panicked last: the message
/// stands above the backtrace, and what came before is less to the point.
pub(crate) fn excerpt(logs: &str, last: usize) -> Vec<String> {
    let lines: Vec<_> = logs.lines().collect();
    let most = FIRST_LINES + last;
    let panicked = lines.iter().rposition(|line| line.contains("panicked at"));
    let begin = panicked.unwrap_or(0).min(lines.len().saturating_sub(most));
    let rest = &lines[begin..];
    // A gap of one line would take as much room as the line.
    let gap = match rest.len().saturating_sub(most) {
        0 | 1 => FIRST_LINES..FIRST_LINES,
        left_out => FIRST_LINES..FIRST_LINES + left_out,
    };
    let left_out = |count| (count > 0).then(|| format!("… {} …", plural(count as u64, "line")));
    let mut shown = Vec::from_iter(left_out(begin));
    let head = rest.iter().take(gap.start);
    shown.extend(head.map(|&line| line.to_owned()));
    shown.extend(left_out(gap.len()));
    let tail = rest.iter().skip(gap.end);
    shown.extend(tail.map(|&line| line.to_owned()));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, shown: &str) {
        assert_eq!(Plain(text, 2).to_string(), shown);
    }

    #[test]
    fn nothing_reaches_the_terminal_that_could_command_it() {
        check("\x1b[2Jgone", "\\u{1b}[2Jgone");
        check("a\rb\x07", "a\\u{d}b\\u{7}");
        check("\u{202e}oops", "\\u{202e}oops");
        check("\u{9b}31m", "\\u{9b}31m");
        check("grün", "grün");
    }

    #[test]
    fn a_line_cannot_pass_for_one_of_ours() {
        check(
            "a\r\nError: b\n::error::c\n",
            "a\n  Error: b\n  \\u{3a}:error::c",
        );
        check(
            "a\n [[ATTACHMENT|/etc/passwd]]",
            "a\n   \\u{5b}[ATTACHMENT|/etc/passwd]]",
        );
        check(
            "a ##[add-mask]b\n##vso[x]",
            "a \\u{23}#[add-mask]b\n  \\u{23}#vso[x]",
        );
        check("a::b [[c]]", "a::b [[c]]");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let long = format!("grün{}", "ö".repeat(20));
        assert_eq!(cut(&long, 3), "grü... (41 bytes more)");
        assert_eq!(cut("grün und rot", 3), "grün und rot");
        assert_eq!(cut("grün", 4), "grün");
        assert_eq!(first_line("\n  one \ntwo"), "one");
    }

    #[test]
    fn an_excerpt_shows_the_message_of_a_panic_and_the_end() {
        let check = |logs: &[&str], shown: &[&str]| {
            assert_eq!(excerpt(&logs.join("\n"), 2), shown);
        };
        check(&[], &[]);
        check(
            &["1", "2", "3", "4", "5", "6", "7"],
            &["1", "2", "3", "4", "5", "6", "7"],
        );
        check(
            &["1", "2", "3", "4", "5", "6", "7", "8"],
            &["1", "2", "3", "4", "… 2 lines …", "7", "8"],
        );
        check(
            &[
                "ready",
                "panicked at x",
                "oops",
                "0:",
                "1:",
                "2:",
                "3:",
                "4:",
                "5:",
            ],
            &[
                "… 1 line …",
                "panicked at x",
                "oops",
                "0:",
                "1:",
                "… 2 lines …",
                "4:",
                "5:",
            ],
        );
        check(
            &["1", "2", "3", "4", "5", "6", "7", "panicked at x", "oops"],
            &["… 3 lines …", "4", "5", "6", "7", "panicked at x", "oops"],
        );
    }
}
