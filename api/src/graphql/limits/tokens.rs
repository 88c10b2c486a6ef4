//! Counting tokens before anything is parsed.

use super::{LimitExceeded, Limits, within};

/// Levels of brackets that the parser is given: it recurses, and the limit on depth comes only after it.
const MAX_NESTING: u64 = 64;

/// Refuses a text with too many tokens or too deep brackets. One pass over the bytes; what it cannot make sense of is left
/// to the parser.
pub fn check_text(text: &str, limits: &Limits) -> Result<(), LimitExceeded> {
    let mut rest = text.as_bytes();
    let (mut tokens, mut nesting) = (0u64, 0u64);
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                rest = tail;
                continue;
            }
            b'#' => {
                rest = after_line(tail);
                continue;
            }
            b'"' => after_string(rest),
            b'{' | b'(' | b'[' => {
                nesting += 1;
                within("depth", nesting, MAX_NESTING)?;
                tail
            }
            b'}' | b')' | b']' => {
                nesting = nesting.saturating_sub(1);
                tail
            }
            _ if is_word(byte) => after_word(tail),
            _ => tail,
        };
        tokens += 1;
        within("tokens", tokens, limits.tokens)?;
    }
    Ok(())
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.') || byte >= 0x80
}

fn after_word(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| !is_word(byte)).unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
}

fn after_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
}

/// What follows a string or block string that `bytes` begins with.
fn after_string(bytes: &[u8]) -> &[u8] {
    let block = bytes.starts_with(b"\"\"\"");
    let quote: &[u8] = if block { b"\"\"\"" } else { b"\"" };
    let mut rest = bytes.get(quote.len()..).unwrap_or_default();
    while let Some((&byte, tail)) = rest.split_first() {
        if rest.starts_with(quote) {
            return rest.get(quote.len()..).unwrap_or_default();
        }
        let escaped = byte == b'\\';
        rest = if escaped { tail.get(1..).unwrap_or_default() } else { tail };
    }
    rest
}
