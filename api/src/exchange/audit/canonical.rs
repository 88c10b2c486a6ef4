//! The canonical form of a line, and its hash.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// The deepest nesting that is read: a file is not trusted, and every level takes some of the stack.
const DEEPEST: usize = 100;

/// The fields of a line, each as it stands there. Texts of numbers stay as they are: reading them as numbers and printing
/// them again need not give the same.
pub(super) type Fields<'a> = BTreeMap<String, Cow<'a, str>>;

/// Why a line has no canonical form.
pub(super) type Reason = &'static str;

const NO_OBJECT: Reason = "is not a JSON object";

/// Reads a line.
pub(super) fn fields(line: &str) -> Result<Fields<'_>, Reason> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(line).map_err(|_| NO_OBJECT)?;
    Ok(fields.into_iter().map(|(name, value)| (name, Cow::Borrowed(value.get()))).collect())
}

/// The canonical form of an object.
pub(super) fn object(fields: &Fields<'_>) -> Result<String, Reason> {
    let mut out = String::with_capacity(256);
    members(fields.iter().map(|(name, value)| (name, value.as_ref())), DEEPEST, &mut out)?;
    Ok(out)
}

/// The hash of a line whose fields, without those of the chain, are these.
pub(super) fn hash(previous: &str, fields: &Fields<'_>) -> Result<String, Reason> {
    let mut sha = Sha256::new();
    sha.update(previous.as_bytes());
    sha.update(object(fields)?.as_bytes());
    let mut hex = String::with_capacity(64);
    for byte in sha.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    Ok(hex)
}

fn members<'a>(
    members: impl Iterator<Item = (&'a String, &'a str)>,
    depth: usize,
    out: &mut String,
) -> Result<(), Reason> {
    out.push('{');
    for (index, (name, raw)) in members.enumerate() {
        if index > 0 {
            out.push(',');
        }
        text(name, out)?;
        out.push(':');
        value(raw, depth, out)?;
    }
    out.push('}');
    Ok(())
}

fn text(text: &str, out: &mut String) -> Result<(), Reason> {
    out.push_str(&serde_json::to_string(text).map_err(|_| NO_OBJECT)?);
    Ok(())
}

/// The canonical form of any value, from its text.
fn value(raw: &str, depth: usize, out: &mut String) -> Result<(), Reason> {
    let depth = depth.checked_sub(1).ok_or("is nested too deeply")?;
    match raw.as_bytes().first() {
        Some(b'{') => {
            let inner: BTreeMap<String, &RawValue> = serde_json::from_str(raw).map_err(|_| NO_OBJECT)?;
            members(inner.iter().map(|(name, value)| (name, value.get())), depth, out)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(raw).map_err(|_| NO_OBJECT)?;
            out.push('[');
            for (index, item) in items.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                value(item.get(), depth, out)?;
            }
            out.push(']');
            Ok(())
        }
        Some(b'"') => text(&serde_json::from_str::<Cow<'_, str>>(raw).map_err(|_| NO_OBJECT)?, out),
        _ => {
            out.push_str(raw);
            Ok(())
        }
    }
}
