//! What the names in a document mean: the part of the published contexts that this format needs, so that none is ever
//! fetched (contexts/cidsContext.jsonld and sffContext.jsonld of commonapproach/CIDS).

use super::tree::Tree;
use crate::exchange::{
    failure::{Failure, FailureCode},
    values::shown,
};

/// The addresses of contexts that give these names this meaning: the present ones and those that earlier versions had.
pub const KNOWN: [&str; 6] = [
    "https://ontology.commonapproach.org/contexts/cidsContext.jsonld",
    "https://ontology.commonapproach.org/contexts/sffContext.jsonld",
    "https://ontology.commonapproach.org/cids.jsonld",
    "https://ontology.commonapproach.org/sff-1.0.jsonld",
    "https://ontology.commonapproach.org/contexts/cidsContext.json",
    "http://ontology.eil.utoronto.ca/cids/contexts/cidsContext.json",
];

/// Prefixes, and the addresses that they have or had.
const NAMESPACES: [(&str, &[&str]); 5] = [
    (
        "cids",
        &[
            "https://ontology.commonapproach.org/cids#",
            "http://ontology.eil.utoronto.ca/cids/cids#",
            "http://ontology.commonapproach.org/owl/cids_v2.1.owl/cids#",
        ],
    ),
    (
        "org",
        &[
            "http://ontology.eil.utoronto.ca/tove/organization#",
            "http://ontology.commonapproach.org/tove/organization#",
        ],
    ),
    (
        "i72",
        &[
            "http://ontology.eil.utoronto.ca/ISO21972/iso21972#",
            "http://ontology.commonapproach.org/ISO21972/iso21972#",
        ],
    ),
    ("prov", &["http://www.w3.org/ns/prov#", "https://www.w3.org/Submission/prov-json/schema#"]),
    ("sff", &["https://ontology.commonapproach.org/sff#", "http://ontology.commonapproach.org/sff#"]),
];

/// Names that are read, with the prefixes that they may have and what they are called here.
const TERMS: [(&[&str], &str, Term); 15] = [
    (&["cids", "org"], "Organization", Term::Organization),
    (&["cids"], "Indicator", Term::Indicator),
    (&["cids"], "IndicatorReport", Term::Report),
    (&["org"], "hasName", Term::Name),
    (&["org"], "hasLegalName", Term::LegalName),
    (&["cids"], "unitDescription", Term::Unit),
    // As the test data of the standard misspell it.
    (&["cids"], "unitDecscription", Term::Unit),
    (&["cids"], "forIndicator", Term::ForIndicator),
    (&["cids"], "forOrganization", Term::ForOrganization),
    (&["cids"], "hasIndicatorReport", Term::HasReport),
    (&["prov"], "startedAtTime", Term::Started),
    (&["prov"], "endedAtTime", Term::Ended),
    (&["i72", "cids"], "value", Term::Value),
    (&["i72"], "hasNumericalValue", Term::Number),
    (&["cids", "sff"], "hasComment", Term::Comment),
];

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// A kind of node: whose reports.
    Organization,
    /// A kind of node: what is measured.
    Indicator,
    /// A kind of node: a figure.
    Report,
    /// What something is called.
    Name,
    /// What an organization is called by law.
    LegalName,
    /// The unit of an indicator.
    Unit,
    /// The indicator of a report.
    ForIndicator,
    /// The organization of a report or indicator.
    ForOrganization,
    /// A report of an indicator.
    HasReport,
    /// The beginning of a report's period.
    Started,
    /// Its end.
    Ended,
    /// The measure of a report.
    Value,
    /// The number of a measure.
    Number,
    /// A remark on a report.
    Comment,
}

/// What a name means; nothing for names that are not read. Short names and prefixes mean something only in a context.
pub fn term(name: &str, in_context: bool) -> Option<Term> {
    let find = |prefix: Option<&str>, local: &str| {
        TERMS
            .iter()
            .find(|(prefixes, known, _)| *known == local && prefix.is_none_or(|prefix| prefixes.contains(&prefix)))
            .map(|(_, _, term)| *term)
    };
    for (prefix, addresses) in NAMESPACES {
        if let Some(local) = addresses.iter().find_map(|address| name.strip_prefix(address)) {
            return find(Some(prefix), local);
        }
    }
    match name.split_once(':') {
        _ if !in_context => None,
        Some((prefix, local)) => find(Some(prefix), local),
        None => find(None, name),
    }
}

/// Makes sure that a context is one of those known, or adds to them without giving these names another meaning.
///
/// # Errors
/// MALFORMED for any other.
pub fn check(context: &Tree) -> Result<(), Failure> {
    match context {
        Tree::Text(address) if KNOWN.contains(&&**address) => Ok(()),
        Tree::Text(address) => {
            let message =
                format!("the context “{}” is not known, and none is fetched; known is {}", shown(address), KNOWN[0]);
            Err(Failure::new(FailureCode::Malformed, message).in_column("@context"))
        }
        Tree::List(parts) => parts.iter().try_for_each(check),
        Tree::Map(own) => own.iter().try_for_each(|(key, _)| {
            let taken = key.starts_with('@')
                || term(key, true).is_some()
                || NAMESPACES.iter().any(|(prefix, _)| *prefix == key);
            if !taken {
                return Ok(());
            }
            let message = format!("the document gives “{}” a meaning of its own", shown(key));
            Err(Failure::new(FailureCode::Malformed, message).in_column("@context"))
        }),
        Tree::Nothing => Ok(()),
    }
}
