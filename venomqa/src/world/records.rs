use std::io::{self, Read, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

use crate::{Exchange, Step};

/// The steps that sent something, with their requests and responses. The first ones are kept as they are, those beyond a
/// limit on disk, in a temporary file that is gone with this process.
#[derive(Debug)]
pub(super) struct Records {
    kept: Vec<Step>,
    bytes: usize,
    limit: usize,
    file: SpooledTempFile,
    /// Where each step on disk ends.
    ends: Vec<u64>,
}

impl Records {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            kept: Vec::new(),
            bytes: 0,
            limit,
            file: SpooledTempFile::new(0),
            ends: Vec::new(),
        }
    }

    /// Keeps a step, and returns its number.
    pub(super) fn keep(&mut self, step: Step) -> io::Result<u32> {
        if self.bytes < self.limit && self.ends.is_empty() {
            self.bytes += step.exchanges.iter().map(size).sum::<usize>();
            self.kept.push(step);
        } else {
            let json = serde_json::to_vec(&step)?;
            let end = self.ends.last().copied().unwrap_or(0);
            self.file.seek(SeekFrom::Start(end))?;
            self.file.write_all(&json)?;
            self.ends.push(end + json.len() as u64);
        }
        Ok((self.kept.len() + self.ends.len() - 1) as u32)
    }

    /// A step kept before.
    pub(super) fn read(&mut self, number: u32) -> Option<Step> {
        let number = number as usize;
        if let Some(step) = self.kept.get(number) {
            return Some(step.clone());
        }
        let on_disk = number - self.kept.len();
        let end = *self.ends.get(on_disk)?;
        let start = on_disk.checked_sub(1).map_or(0, |before| self.ends[before]);
        let mut json = vec![0; usize::try_from(end - start).ok()?];
        self.file.seek(SeekFrom::Start(start)).ok()?;
        self.file.read_exact(&mut json).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

/// The memory that an exchange takes, in bytes, estimated.
fn size(exchange: &Exchange) -> usize {
    512 + exchange.body_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_kept_in_memory_and_on_disk_reads_back() {
        let mut records = Records::new(0);
        let step = |name: String| Step {
            label: name.clone(),
            action: name,
            exchanges: Vec::new(),
            status: Some(200),
            changes: vec!["orders#1 removed".into()],
            elapsed: Duration::ZERO,
        };
        for n in 0..5 {
            assert_eq!(records.keep(step(format!("a{n}"))).unwrap(), n);
        }
        for n in [3, 0, 4] {
            assert_eq!(records.read(n).unwrap().action, format!("a{n}"));
        }
        assert!(records.read(5).is_none());
    }
}
