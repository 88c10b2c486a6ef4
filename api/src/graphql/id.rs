//! Global ids: opaque to callers, a kind and a UUID to us.

use async_graphql::ID;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    error::{Error, FieldPath, ProblemCode, Result},
    id::{EntityId, NodeKind, NodeRef, SeriesId},
    import_job::ImportJobId,
    pending::PendingId,
    period::Period,
};
use uuid::Uuid;

/// The global id of a record.
pub fn encode<I: EntityId>(id: I) -> ID {
    encode_ref(I::KIND, id.into())
}

/// The global id of a record of any kind.
pub fn encode_ref(kind: NodeKind, id: Uuid) -> ID {
    let name = kind.name().as_bytes();
    let mut bytes = Vec::with_capacity(name.len() + 17);
    bytes.extend_from_slice(name);
    bytes.push(b':');
    bytes.extend_from_slice(id.as_bytes());
    ID(URL_SAFE_NO_PAD.encode(bytes))
}

/// The kind name in the ids of observations, which are known by series, period and revision instead of a UUID.
const OBSERVATION: &[u8] = b"Observation:";

/// The global id of one revision of a figure.
pub fn encode_observation(series: SeriesId, period: Period, revision: i32) -> ID {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(OBSERVATION);
    bytes.extend_from_slice(Uuid::from(series).as_bytes());
    bytes.extend_from_slice(&revision.to_be_bytes());
    bytes.extend_from_slice(period.to_string().as_bytes());
    ID(URL_SAFE_NO_PAD.encode(bytes))
}

/// The revision of a figure that a global id refers to, or `None` for a text that is no such id.
pub fn decode_observation(id: &str) -> Option<(SeriesId, Period, i32)> {
    if id.len() > 120 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
    let (series, rest) = bytes.strip_prefix(OBSERVATION)?.split_first_chunk::<16>()?;
    let (revision, period) = rest.split_first_chunk::<4>()?;
    let period = std::str::from_utf8(period).ok()?.parse().ok()?;
    Some((SeriesId::from(Uuid::from_bytes(*series)), period, i32::from_be_bytes(*revision)))
}

/// The kind name in the ids of import jobs, which no record refers to.
const IMPORT_JOB: &[u8] = b"ImportJob:";

/// The global id of an import job.
pub fn encode_import_job(id: ImportJobId) -> ID {
    ID(URL_SAFE_NO_PAD.encode([IMPORT_JOB, id.0.as_bytes()].concat()))
}

/// The import job that a global id refers to, or `None` for a text that is no such id.
pub fn decode_import_job(id: &str) -> Option<ImportJobId> {
    if id.len() > 64 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
    Uuid::from_slice(bytes.strip_prefix(IMPORT_JOB)?).ok().map(ImportJobId)
}

/// The kind name in the ids of figures that wait, which no record refers to.
const PENDING: &[u8] = b"PendingObservation:";

/// The global id of a figure that waits.
pub fn encode_pending(id: PendingId) -> ID {
    ID(URL_SAFE_NO_PAD.encode([PENDING, id.0.as_bytes()].concat()))
}

/// The figure that waits that a global id refers to, or `None` for a text that is no such id.
pub fn decode_pending(id: &str) -> Option<PendingId> {
    if id.len() > 64 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
    Uuid::from_slice(bytes.strip_prefix(PENDING)?).ok().map(PendingId)
}

/// The kind name in the ids of entries of the audit log, which are known by their place.
const AUDIT_ENTRY: &[u8] = b"AuditEntry:";

/// The global id of an entry of the audit log.
pub fn encode_entry(place: i64) -> ID {
    ID(URL_SAFE_NO_PAD.encode([AUDIT_ENTRY, &place.to_be_bytes()].concat()))
}

/// The place of the entry that a global id refers to, or `None` for a text that is no such id.
pub fn decode_entry(id: &str) -> Option<i64> {
    if id.len() > 64 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
    let place = bytes.strip_prefix(AUDIT_ENTRY)?;
    place.try_into().ok().map(i64::from_be_bytes)
}

/// What a global id refers to, or `None` for a text that is none.
pub fn decode(id: &str) -> Option<NodeRef> {
    if id.len() > 64 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
    let (name, uuid) = bytes.split_at_checked(bytes.len().checked_sub(16)?)?;
    let kind = NodeKind::ALL.iter().copied().find(|kind| name.strip_suffix(b":") == Some(kind.name().as_bytes()))?;
    Some(NodeRef { kind, id: Uuid::from_slice(uuid).ok()? })
}

/// The id given in the field `path`, which must be of the kind expected there.
pub fn parse<I: EntityId>(id: &ID, path: impl Into<FieldPath>) -> Result<I> {
    match decode(id) {
        Some(NodeRef { kind, id }) if kind == I::KIND => Ok(I::from(id)),
        Some(NodeRef { kind, .. }) => {
            let message = format!("this is the id of a {kind}; the id of a {} is expected here", I::KIND);
            Err(Error::invalid(path, ProblemCode::Invalid, message))
        }
        None => Err(Error::invalid(path, ProblemCode::Invalid, format!("this is not the id of a {}", I::KIND))),
    }
}

/// The id of a record of any kind, given in the field `path`.
pub fn parse_ref(id: &ID, path: impl Into<FieldPath>) -> Result<NodeRef> {
    decode(id).ok_or_else(|| Error::invalid(path, ProblemCode::Invalid, "this is not the id of a record"))
}

/// The same for an id that may be absent.
pub fn parse_opt<I: EntityId>(id: Option<&ID>, path: &str) -> Result<Option<I>> {
    id.map(|id| parse(id, path)).transpose()
}

/// The same for a list of ids; a problem names the place in the list.
pub fn parse_all<I: EntityId>(ids: &[ID], path: &str) -> Result<Vec<I>> {
    ids.iter().enumerate().map(|(index, id)| parse(id, format!("{path}.{index}"))).collect()
}

#[cfg(test)]
mod tests {
    use domain::id::{CommunityId, NetworkId};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_comes_back_as_it_went(bits: u128, kind in proptest::sample::select(NodeKind::ALL)) {
            let id = Uuid::from_u128(bits);
            prop_assert_eq!(decode(&encode_ref(kind, id)), Some(NodeRef { kind, id }));
        }

        #[test]
        fn the_id_of_a_figure_comes_back_as_it_went(bits: u128, year in 1000i32..=9999, revision: i32) {
            let (series, period) = (SeriesId::from(Uuid::from_u128(bits)), Period::year(year).unwrap());
            let id = encode_observation(series, period, revision);
            prop_assert_eq!(decode_observation(&id), Some((series, period, revision)));
        }

        #[test]
        fn the_id_of_an_entry_comes_back_as_it_went(place: i64) {
            let id = encode_entry(place);
            prop_assert_eq!((decode_entry(&id), decode(&id), decode_observation(&id)), (Some(place), None, None));
        }

        #[test]
        fn whatever_comes_as_an_id_is_refused_or_read(text in ".{0,80}") {
            let _ = (decode(&text), decode_observation(&text), decode_entry(&text));
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = encode(NetworkId::from(Uuid::nil()));
        assert!(parse::<NetworkId>(&id, "network").is_ok());
        assert!(parse::<CommunityId>(&id, "community").is_err());
    }
}
