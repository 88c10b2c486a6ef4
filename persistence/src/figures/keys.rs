//! Keys of revisions in few bytes: the feed of changes keeps those of a batch in one value, so that it costs a recorded figure
//! some bytes and neither a row nor an entry of an index.
//!
//! For each series: its id, the number of its revisions, and for each of them the end of its period (days since that of the one
//! before), its length in days, the number of its kind in [`KINDS`], and its own. Numbers are LEB128, signed ones in zigzag.

use chrono::{Datelike as _, Days, NaiveDate};
use domain::{
    Error, Result,
    id::SeriesId,
    period::{Period, PeriodKind},
};
use uuid::Uuid;

/// A revision of a figure.
pub(super) type Key = (SeriesId, Period, i32);

/// The kinds of periods by their numbers. What is kept is read by this order: add at the end only.
const KINDS: [PeriodKind; 10] = [
    PeriodKind::Year,
    PeriodKind::FiscalYear,
    PeriodKind::HalfYear,
    PeriodKind::Quarter,
    PeriodKind::TwoMonths,
    PeriodKind::Month,
    PeriodKind::Week,
    PeriodKind::Day,
    PeriodKind::MultiYear,
    PeriodKind::Range,
];

/// Keys as bytes. Those of one series stand together.
pub(super) fn encode(keys: &[Key]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(keys.len() * 12);
    for group in keys.chunk_by(|a, b| a.0 == b.0) {
        let Some((series, ..)) = group.first() else { continue };
        bytes.extend_from_slice(Uuid::from(*series).as_bytes());
        put(&mut bytes, group.len() as u64);
        let mut last = 0;
        for (_, period, revision) in group {
            let end = i64::from(period.end().num_days_from_ce());
            put(&mut bytes, zigzag(end - last));
            last = end;
            put(&mut bytes, (period.end() - period.start()).num_days().unsigned_abs());
            let kind = KINDS.iter().position(|kind| *kind == period.kind()).unwrap_or(KINDS.len());
            put(&mut bytes, kind as u64);
            put(&mut bytes, u64::from(revision.unsigned_abs()));
        }
    }
    bytes
}

/// Keys from bytes, in their order.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<Key>> {
    let mut keys = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        read_group(&mut rest, &mut keys)
            .ok_or_else(|| Error::internal("keys in the feed of changes cannot be read"))?;
    }
    Ok(keys)
}

fn read_group(rest: &mut &[u8], keys: &mut Vec<Key>) -> Option<()> {
    let (series, after) = rest.split_first_chunk::<16>()?;
    *rest = after;
    let series = SeriesId::from(Uuid::from_bytes(*series));
    let mut last = 0;
    for _ in 0..take(rest)? {
        last += unzigzag(take(rest)?);
        let end = NaiveDate::from_num_days_from_ce_opt(i32::try_from(last).ok()?)?;
        let start = end.checked_sub_days(Days::new(take(rest)?))?;
        let kind = *KINDS.get(usize::try_from(take(rest)?).ok()?)?;
        let period = Period::from_parts(kind, start, end).ok()?;
        keys.push((series, period, i32::try_from(take(rest)?).ok()?));
    }
    Some(())
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7f) as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Key> {
        let period = prop_oneof![
            (1000i32..9990).prop_map(|year| Period::year(year).unwrap()),
            (1000i32..9990, 1u32..=12, 1u32..=28, 1i64..900).prop_map(|(year, month, day, length)| {
                let start = NaiveDate::from_ymd_opt(year, month, day).unwrap();
                Period::from_dates(start, start + chrono::TimeDelta::days(length)).unwrap()
            }),
        ];
        (0u128..4, period, 1..i32::MAX)
            .prop_map(|(series, period, revision)| (Uuid::from_u128(series).into(), period, revision))
    }

    proptest! {
        #[test]
        fn keys_come_back_as_they_went(mut keys in proptest::collection::vec(key(), 0..40)) {
            keys.sort_unstable();
            let bytes = encode(&keys);
            prop_assert_eq!(decode(&bytes).unwrap(), keys);
        }

        #[test]
        fn whatever_is_kept_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn every_kind_has_a_number() {
        assert!(PeriodKind::ALL.iter().all(|kind| KINDS.contains(kind)));
    }
}
