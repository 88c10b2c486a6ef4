//! Whatever is done to a file, the check finds it.

use std::io;

use chrono::DateTime;
use domain::{
    audit::{Action, ActorKind, Entry, NewEntry},
    id::{CommunityId, NetworkId, NodeKind, NodeRef},
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    canonical,
    verify::{Unverified, Verified, verify},
    write::{Chain, Header},
};

fn entry(n: i64) -> Entry {
    let at = DateTime::from_timestamp_micros(1_700_000_000_000_000 + n * 1_500).unwrap();
    let id = Uuid::from_u128(7 + u128::try_from(n).unwrap());
    let said = NewEntry::new(at, "Zoë \u{1F9ED} \"the\" \\ \u{1}", ActorKind::Person, Action::Update);
    let said = match n % 3 {
        0 => said,
        1 => said
            .on(NodeRef { kind: NodeKind::Community, id })
            .of_community(CommunityId::from(id))
            .of_network(NetworkId::from(id))
            .from_request(Some("r"), Some("2001:db8::1")),
        _ => said
            .change(
                "visibility",
                Value::Null,
                json!({ "ü": [0.1, 1e300, -0.0, u64::MAX], "a": { "\u{FFFF}": 1, "\u{1F9ED}": {} } }),
            )
            .detail("line\nbreak"),
    };
    // Places of what was undone are missing.
    Entry { place: 3 + 2 * n, said }
}

fn file_of(entries: &[Entry]) -> Vec<u8> {
    let header = Header {
        exported_at: DateTime::UNIX_EPOCH,
        from_place: entries.first().map(|entry| entry.place),
        from: Some(DateTime::UNIX_EPOCH),
        until: None,
    };
    let mut bytes = Vec::new();
    let mut chain = Chain::begin(&mut bytes, &header).unwrap();
    for entry in entries {
        chain.entry(entry).unwrap();
    }
    let written = chain.finish().unwrap();
    assert_eq!(written.entries, entries.len() as u64);
    bytes
}

fn file(count: i64) -> Vec<u8> {
    file_of(&(0..count).map(entry).collect::<Vec<_>>())
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// The line of the first fault.
fn fault(bytes: &[u8]) -> Option<u64> {
    match verify(bytes) {
        Ok(_) => None,
        Err(Unverified::Fault(fault)) => Some(fault.line),
        Err(Unverified::Unreadable(error)) => panic!("{error}"),
    }
}

#[rstest]
#[case(0, None)]
#[case(1, Some((3, 3)))]
#[case(9, Some((3, 19)))]
fn what_was_written_fits(#[case] count: i64, #[case] places: Option<(i64, i64)>) {
    let bytes = file(count);
    let last: Value = serde_json::from_slice(lines(&bytes).last().unwrap()).unwrap();
    let expected = Verified {
        entries: count.try_into().unwrap(),
        places,
        exported_at: "1970-01-01T00:00:00.000000Z".to_owned(),
        hash: last["hash"].as_str().unwrap().to_owned(),
    };
    assert_eq!(verify(&bytes[..]).unwrap(), expected);
}

#[test]
fn the_lines_say_what_the_format_says() {
    let bytes = file(2);
    let lines: Vec<Value> = lines(&bytes).iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
    let [header, first, second, footer] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!(
        (&header["format"], &header["version"], &header["fromPlace"]),
        (&json!("concert-audit"), &json!(1), &json!(3))
    );
    assert_eq!((&first["previous"], &second["previous"]), (&header["hash"], &first["hash"]));
    assert_eq!((&second["object"]["kind"], &second["address"]), (&json!("Community"), &json!("2001:db8::1")));
    assert_eq!((&footer["count"], &footer["previous"]), (&json!(2), &second["hash"]));
}

#[test]
fn the_hash_is_what_any_other_program_makes_it() {
    // Made with sha256sum from the texts that the format describes.
    let header =
        canonical::fields(r#"{"exportedAt":"1970-01-01T00:00:00.000000Z","format":"concert-audit","version":1}"#)
            .unwrap();
    let first = canonical::hash("", &header).unwrap();
    assert_eq!(first, "da905e1ca36d22c86a0c14ad0199592e2818ee5702b9a9a8500c93ed14488fe8");
    let footer = canonical::fields(r#"{ "count" : 0 }"#).unwrap();
    assert_eq!(
        canonical::hash(&first, &footer).unwrap(),
        "031f09348ae788e6c2e026e890e0e8e45f946a5e7b10fc3884557f09d35404bb"
    );
}

#[rstest]
#[case(
    r#"{ "b": [ 1.50, {"z":null,"a":true} ], "a": "\u00e9\u002f\u001F\/" }"#,
    r#"{"a":"é/\u001f/","b":[1.50,{"a":true,"z":null}]}"#
)]
#[case(r#"{"":{},"\t\"\\":[]}"#, r#"{"":{},"\t\"\\":[]}"#)]
#[case("{\"\u{1F9ED}\":1,\"\u{FFFF}\":2}", "{\"\u{FFFF}\":2,\"\u{1F9ED}\":1}")]
fn the_canonical_form_is_one(#[case] written: &str, #[case] canonical: &str) {
    assert_eq!(canonical::object(&canonical::fields(written).unwrap()).unwrap(), canonical);
}

#[test]
fn a_line_removed_doubled_or_moved_is_found() {
    let whole = lines(&file(6));
    for at in 0..whole.len() {
        let mut removed = whole.clone();
        removed.remove(at);
        assert!(fault(&removed.concat()).is_some(), "without line {}", at + 1);
        let mut doubled = whole.clone();
        doubled.insert(at, whole[at].clone());
        assert_eq!(fault(&doubled.concat()), Some(at as u64 + 2), "line {} twice", at + 1);
        for other in at + 1..whole.len() {
            let mut moved = whole.clone();
            moved.swap(at, other);
            assert!(fault(&moved.concat()).is_some(), "lines {} and {} swapped", at + 1, other + 1);
        }
    }
    // Nor may a line come from another file.
    let mut foreign = whole.clone();
    foreign[3] = lines(&file_of(&(1..7).map(entry).collect::<Vec<_>>()))[3].clone();
    assert_eq!(fault(&foreign.concat()), Some(4));
}

#[test]
fn a_file_cut_off_anywhere_is_found() {
    let bytes = file(3);
    for end in 0..bytes.len() {
        assert!(fault(&bytes[..end]).is_some(), "{end} bytes of {}", bytes.len());
    }
    assert_eq!(fault(&lines(&bytes)[..4].concat()), Some(5));
}

/// A file whose hashes fit, whatever its lines say.
fn chained(said: &[Value]) -> Vec<u8> {
    let (mut previous, mut bytes) = (String::new(), Vec::new());
    for (index, value) in said.iter().enumerate() {
        let mut value = value.clone();
        let hash = canonical::hash(&previous, &canonical::fields(&value.to_string()).unwrap()).unwrap();
        if index > 0 {
            value["previous"] = previous.into();
        }
        value["hash"] = hash.clone().into();
        bytes.extend(canonical::object(&canonical::fields(&value.to_string()).unwrap()).unwrap().bytes());
        bytes.push(b'\n');
        previous = hash;
    }
    bytes
}

#[test]
fn a_file_whose_hashes_fit_must_still_make_sense() {
    let header =
        json!({ "format": "concert-audit", "version": 1, "exportedAt": "1970-01-01T00:00:00.000000Z", "fromPlace": 3 });
    let with = |field: &str, value: Value| {
        let mut header = header.clone();
        header[field] = value;
        header
    };
    let place = |place: i64| json!({ "place": place });
    let count = |count: i64| json!({ "count": count });
    let good = [header.clone(), place(3), place(5), count(2)];
    assert_eq!(fault(&chained(&good)), None);
    let cases: [(&[Value], u64); 12] = [
        (&[], 1),
        (&[place(3)], 1),
        (&[with("format", json!("other")), place(3), count(1)], 1),
        (&[with("version", json!(2)), place(3), count(1)], 1),
        (&[with("exportedAt", Value::Null), place(3), count(1)], 1),
        (&[with("fromPlace", json!(2)), place(3), count(1)], 2),
        (&[header.clone(), count(0)], 2),
        (&[header.clone(), place(3), place(3), count(2)], 3),
        (&[header.clone(), place(3), place(2), count(2)], 3),
        (&[header.clone(), place(3), count(2)], 3),
        (&[header.clone(), place(3), count(1), count(1)], 4),
        (&[header.clone(), place(3), json!({ "note": 1 }), count(1)], 3),
    ];
    for (said, line) in cases {
        assert_eq!(fault(&chained(said)), Some(line), "{said:?}");
    }
    // A header has nothing before it, whatever it says of that.
    let text = String::from_utf8(chained(&good)).unwrap();
    let text = text.replacen(r#","version":1}"#, r#","previous":"","version":1}"#, 1);
    assert_eq!(fault(text.as_bytes()), Some(1));
}

/// A line without end.
struct Endless;

impl io::Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(b'x');
        Ok(buffer.len())
    }
}

#[test]
fn a_hostile_file_costs_neither_stack_nor_memory() {
    let deep = format!("{{\"a\":{}1{}}}\n", "[".repeat(200_000), "]".repeat(200_000));
    assert_eq!(fault(deep.as_bytes()), Some(1));
    let objects = format!("{}1{}\n", "{\"a\":".repeat(200_000), "}".repeat(200_000));
    assert_eq!(fault(objects.as_bytes()), Some(1));
    let Err(Unverified::Fault(fault)) = verify(io::BufReader::new(Endless)) else { panic!("accepted") };
    assert_eq!(fault.line, 1);
}

fn changed() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    #[test]
    fn any_byte_changed_is_found_in_its_line(at: prop::sample::Index, byte: u8) {
        let mut bytes = file(4);
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        let line = bytes[..at].split(|byte| *byte == b'\n').count() as u64;
        bytes[at] = byte;
        prop_assert_eq!(fault(&bytes), Some(line));
    }

    #[test]
    fn any_byte_added_or_removed_is_found(at: prop::sample::Index, byte: u8) {
        let bytes = file(4);
        let at = at.index(bytes.len());
        let (mut added, mut removed) = (bytes.clone(), bytes);
        added.insert(at, byte);
        prop_assert!(fault(&added).is_some());
        removed.remove(at);
        prop_assert!(fault(&removed).is_some());
    }

    #[test]
    fn whatever_an_entry_says_can_be_written_and_checked(
        actor: String, detail in proptest::option::of(any::<String>()), field: String, before in changed(), after in changed(),
    ) {
        let said = NewEntry::new(DateTime::UNIX_EPOCH, &actor, ActorKind::Anonymous, Action::Denied).change(&field, before, after);
        let said = detail.iter().fold(said, |said, detail| said.detail(detail));
        let bytes = file_of(&[Entry { place: 1, said }]);
        prop_assert!(verify(&bytes[..]).is_ok(), "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn whatever_is_given_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(fault(&bytes).is_some());
    }
}

#[test]
fn every_single_byte_counts() {
    let bytes = file(2);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(fault(&flipped).is_some(), "bit {bit} of byte {at}");
        }
    }
}
