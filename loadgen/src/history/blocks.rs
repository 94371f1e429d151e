//! A file as blocks of whole lines, so that its lines can be read in parallel and a file of any size
//! takes the same memory.

use std::io::{self, Read};

/// How many bytes are read at once.
const BLOCK_LENGTH: usize = 2 << 20;

/// Whole lines of a file; only the last block may end without the end of a line.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    pub(super) is_last: bool,
}

/// The blocks of `source`, in their order.
#[derive(Debug)]
pub(super) struct Blocks<R> {
    source: R,
    /// The beginning of a line whose end was not read yet.
    rest: Vec<u8>,
    has_ended: bool,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, rest: Vec::new(), has_ended: false }
    }

    /// The next block. One that holds no end of a line is the last, whatever follows it.
    ///
    /// # Errors
    /// The source cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Option<Block>> {
        if self.has_ended {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(self.rest.len() + BLOCK_LENGTH + 64);
        bytes.append(&mut self.rest);
        let read = (&mut self.source).take(BLOCK_LENGTH as u64).read_to_end(&mut bytes)?;
        let last_end = bytes.iter().rposition(|byte| *byte == b'\n');
        match last_end {
            Some(at) if read == BLOCK_LENGTH => self.rest.extend(bytes.drain(at + 1..)),
            _ => self.has_ended = true,
        }
        Ok((!bytes.is_empty()).then_some(Block { bytes, is_last: self.has_ended }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(source: &[u8]) -> Vec<Block> {
        let mut blocks = Blocks::new(source);
        std::iter::from_fn(|| blocks.next().unwrap()).collect()
    }

    #[test]
    fn blocks_hold_whole_lines_and_nothing_is_lost() {
        let text = "a line of some length\n".repeat(3 * BLOCK_LENGTH / 20) + "and a rest";
        let blocks = blocks(text.as_bytes());
        assert!(blocks.len() > 2);
        let (last, before) = blocks.split_last().unwrap();
        assert!(before.iter().all(|block| block.bytes.ends_with(b"\n") && !block.is_last));
        assert!(last.bytes.ends_with(b"rest") && last.is_last);
        assert_eq!(
            blocks.iter().flat_map(|block| block.bytes.clone()).collect::<Vec<_>>(),
            text.as_bytes()
        );
    }

    #[test]
    fn a_line_without_an_end_is_not_read_to_its_end() {
        let blocks = blocks(&vec![0; 5 * BLOCK_LENGTH]);
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].bytes.len(), BLOCK_LENGTH);
        assert!(Blocks::new(&b""[..]).next().unwrap().is_none());
    }
}
