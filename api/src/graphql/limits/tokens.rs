//! Counting tokens before anything is parsed.

use super::{LimitExceeded, Limits, within};

/// Levels of brackets that the parser is given: it recurses, and the limit on depth comes only after it.
const MAX_NESTING: u64 = 64;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a text is not given to the parser.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It is too long, or nests too deep.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// A string does not end. The parser would take the three quotes of such a block string for two strings, and read
    /// brackets where this pass sees none.
    #[error("a string is not closed")]
    UnclosedString,
}

/// Refuses a text with too many tokens or too deep brackets. One pass over the bytes; what else it cannot make sense of is
/// left to the parser, which stops there.
pub fn check_text(text: &str, limits: &Limits) -> Result<(), TextError> {
    let mut rest = text.as_bytes();
    let (mut tokens, mut nesting) = (0u64, 0u64);
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                rest = tail;
                continue;
            }
            b'#' => {
                rest = skip(tail, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            _ if rest.starts_with(BYTE_ORDER_MARK) => {
                rest = rest.get(BYTE_ORDER_MARK.len()..).unwrap_or_default();
                continue;
            }
            b'"' => after_string(rest).ok_or(TextError::UnclosedString)?,
            b'{' | b'(' | b'[' => {
                nesting += 1;
                within("depth", nesting, MAX_NESTING)?;
                tail
            }
            b'}' | b')' | b']' => {
                nesting = nesting.saturating_sub(1);
                tail
            }
            b'.' if rest.starts_with(b"...") => rest.get(3..).unwrap_or_default(),
            b'-' | b'0'..=b'9' => after_number(tail),
            _ if is_name(byte) => skip(tail, is_name),
            _ => tail,
        };
        tokens += 1;
        within("tokens", tokens, limits.tokens)?;
    }
    Ok(())
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn skip(bytes: &[u8], while_: impl Fn(u8) -> bool) -> &[u8] {
    let end = bytes.iter().position(|&byte| !while_(byte)).unwrap_or(bytes.len());
    bytes.get(end..).unwrap_or_default()
}

/// What follows a number whose first sign or digit is already read. Numbers may touch: `[1-2]` is a list of two.
fn after_number(bytes: &[u8]) -> &[u8] {
    let digits = |bytes| skip(bytes, |byte| byte.is_ascii_digit());
    let mut rest = digits(bytes);
    // Three dots that follow a number are a spread.
    if let [b'.', b'0'..=b'9', tail @ ..] = rest {
        rest = digits(tail);
    }
    match rest {
        [b'e' | b'E', b'+' | b'-', tail @ ..] | [b'e' | b'E', tail @ ..] => digits(tail),
        _ => rest,
    }
}

/// What follows a string or block string that `bytes` begins with, if it ends.
fn after_string(bytes: &[u8]) -> Option<&[u8]> {
    const BLOCK: &[u8] = b"\"\"\"";
    if let Some(mut rest) = bytes.strip_prefix(BLOCK) {
        while !rest.starts_with(BLOCK) {
            // Here a backslash means something before three quotes only.
            let escaped = rest.starts_with(b"\\\"\"\"");
            rest = rest.get(if escaped { 4 } else { 1 }..)?;
        }
        return rest.get(BLOCK.len()..);
    }
    let mut rest = bytes.get(1..)?;
    loop {
        rest = match rest {
            [b'"', tail @ ..] => return Some(tail),
            [] | [b'\n' | b'\r', ..] => return None,
            [b'\\', _, tail @ ..] | [_, tail @ ..] => tail,
        };
    }
}
