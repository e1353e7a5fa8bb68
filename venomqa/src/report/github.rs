use std::io::{self, Write};

use super::Plain;

/// The most annotations that GitHub shows for one step.
const MOST: usize = 10;

/// A finding at a place of the source, shown beside the code of a pull request.
#[derive(Debug)]
pub(crate) struct Annotation<'a> {
    pub(crate) file: &'a str,
    pub(crate) line: u32,
    pub(crate) title: String,
    pub(crate) message: String,
}

/// Writes workflow commands, one line each, at most as many as GitHub shows.
pub(crate) fn write_annotations(
    out: &mut dyn Write,
    annotations: &[Annotation<'_>],
) -> io::Result<()> {
    for annotation in annotations.iter().take(MOST) {
        writeln!(
            out,
            "::error file={},line={},title={}::{}",
            property(annotation.file),
            annotation.line,
            property(&annotation.title),
            data(&annotation.message),
        )?;
    }
    Ok(())
}

fn data(text: &str) -> String {
    Plain(text, 0)
        .to_string()
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// One suite in the summary of a step.
#[derive(Debug)]
pub(crate) struct SummaryRow {
    pub(crate) suite: String,
    pub(crate) failed: bool,
    /// What was explored, in a few words.
    pub(crate) explored: String,
    /// One line for each finding.
    pub(crate) findings: Vec<String>,
}

/// Writes a table in Markdown.
pub(crate) fn write_summary(out: &mut dyn Write, rows: &[SummaryRow]) -> io::Result<()> {
    writeln!(out, "| VenomQA suite | result | explored | findings |")?;
    writeln!(out, "|---|---|---|---|")?;
    for row in rows {
        let findings: Vec<_> = row.findings.iter().map(|finding| cell(finding)).collect();
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            cell(&row.suite),
            if row.failed { "failed" } else { "passed" },
            cell(&row.explored),
            findings.join("<br>"),
        )?;
    }
    writeln!(out)
}

/// Text that neither ends the cell nor becomes HTML or a link.
fn cell(text: &str) -> String {
    let mut escaped = String::new();
    for character in Plain(text, 0).to_string().chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\n' => escaped.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '@' | '#' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_stays_on_its_line_and_within_its_fields() {
        let annotation = || Annotation {
            file: "tests/a,b.rs",
            line: 7,
            title: "orders: 100%".into(),
            message: "first\n::error::second \x1b[0m 5%".into(),
        };
        let mut out = Vec::new();
        write_annotations(&mut out, &[annotation()]).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::error file=tests/a%2Cb.rs,line=7,title=orders%3A 100%25::first%0A\\u{3a}:error::second \\u{1b}[0m 5%25\n"
        );
        let mut out = Vec::new();
        let many: Vec<_> = (0..12).map(|_| annotation()).collect();
        write_annotations(&mut out, &many).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 10);
    }

    #[test]
    fn a_cell_of_the_table_holds_anything() {
        let row = SummaryRow {
            suite: "orders".into(),
            failed: true,
            explored: "8 states".into(),
            findings: vec!["a|b\n<img src=x>".into(), "c".into()],
        };
        let mut out = Vec::new();
        write_summary(&mut out, &[row]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("| orders | failed | 8 states | a\\|b &lt;img src=x&gt;<br>c |"),
            "{text}"
        );
    }
}
