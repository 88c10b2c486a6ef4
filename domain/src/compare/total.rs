//! All communities together: the total of what the reader sees, and of what they do not see alone where no single figure can
//! be worked out from it.
//!
//! Whoever reads a total can take from it what else they read. So what is left then must itself be the total of several, and
//! whatever is computed from several totals must be so, too:
//!
//! - Withheld figures enter in **groups**. A group is a total of its own under the network's [`SuppressionPolicy`]: of enough
//!   communities, none of which makes up too much of it. It enters as a whole or not at all.
//! - The figures of one group may enter the totals of the **same networks**, and are all read by members or all not. So each
//!   network has the whole group or nothing of it, and what a member adds up from single figures is never a part of a group:
//!   from the totals of any networks, and from those of members and funders, only totals of groups can be worked out.
//! - Groups are filled in the **order of time**. A figure that comes in later enters with others that come after it, so that
//!   from totals before and after only the totals of groups can be worked out.
//! - In the comparison of a part of the network nothing withheld is counted, so that the reader does not choose the groups.
//!
//! What is not closed. The figures of a group by one reader are not all of them for another who answers for one of the
//! communities in it: that one can take out their own and, with the help of whoever reads the total, knows the sum of the
//! others. When a figure of a group is revised, the totals before and after tell by how much; when a community leaves or shares
//! less, the groups are filled anew, and the difference is one of at least two communities. Breakdowns fill their groups each
//! for itself: where one community reports the parts and not the whole, sums over the parts differ by what is not reported.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{
    Aggregate, Entry, Input, Withheld,
    aggregate::{SEVERAL, compared},
    choose::{Reference, most_reported, value},
    number::{PERCENT_PLACES, clean, count, places, total},
};
use crate::{
    id::{CommunityId, NetworkId, SourceId},
    indicator::{Additivity, IndicatorVersion, Measure},
    observation::{Figure, ObservationStatus},
    period::Period,
    small_cells::SuppressionPolicy,
};

/// All together, and what it is about.
pub(super) struct Whole {
    /// The total, if there is one.
    pub aggregate: Option<Aggregate>,
    /// The period compared, or that of the total.
    pub period: Option<Period>,
    /// The source compared, or that of the total.
    pub source: Option<SourceId>,
    /// Those whose withheld figures are in it.
    pub counted: Vec<CommunityId>,
}

/// The total of what is compared and of what may be counted with it, or else of what is compared alone.
///
/// The latter tells nothing that the reader does not see: they could add it up themselves.
pub(super) fn whole(input: &Input, version: &IndicatorVersion, reference: &Reference, entries: &[Entry]) -> Whole {
    let seen: Vec<&Figure> = entries.iter().filter_map(compared).map(|cell| &cell.current.figure).collect();
    let (period, source) = like(input, reference);
    let more = counted(input, version, (period, source), entries);
    let withheld = count(more.len());
    let all: Vec<&Figure> = seen.iter().copied().chain(more.iter().map(|found| &found.figure)).collect();
    if withheld > 0
        && is_total_of_several(&all, version, &input.suppression)
        && let Some(together) = together(&all, version)
    {
        let counted = more.iter().map(|found| found.community).collect();
        return Whole { aggregate: Some(Aggregate { withheld, ..together }), period, source, counted };
    }
    let aggregate = together(&seen, version);
    Whole { aggregate, period: reference.period, source: reference.source, counted: Vec::new() }
}

/// What withheld figures must be like: what the figures compared are. Where the reader sees none with a value, what most of the
/// withheld are.
fn like(input: &Input, reference: &Reference) -> (Option<Period>, Option<SourceId>) {
    if reference.source.is_some() {
        return (reference.period, reference.source);
    }
    let reporting: Vec<_> = input
        .withheld
        .iter()
        .filter(|found| found.version == input.version && value(&found.figure).is_some())
        .map(|found| (found.community, found.period, found.source))
        .collect();
    most_reported(input.period, &reporting)
}

/// The withheld figures that are counted: of the same measurement, in groups that are totals of several.
fn counted<'a>(
    input: &'a Input,
    version: &IndicatorVersion,
    (period, source): (Option<Period>, Option<SourceId>),
    entries: &[Entry],
) -> Vec<&'a Withheld> {
    // A community has one voice, and that is what the reader sees of it.
    let mut free: HashSet<CommunityId> =
        entries.iter().filter(|entry| entry.cell.is_none()).map(|entry| entry.community).collect();
    let mut groups: BTreeMap<(bool, &BTreeSet<NetworkId>), Vec<&Withheld>> = BTreeMap::new();
    for found in &input.withheld {
        let same = found.version == input.version
            && Some(found.period) == period
            && Some(found.source) == source
            && found.figure.status != ObservationStatus::DefinitionDiffers
            && parts(&found.figure, version).is_some();
        if same && free.remove(&found.community) {
            groups.entry((found.read_by_members, &found.networks)).or_default().push(found);
        }
    }
    let mut counted = Vec::new();
    for mut of_one_kind in groups.into_values() {
        of_one_kind.sort_unstable_by_key(|found| (found.since, found.community));
        let (mut group, mut figures) = (Vec::new(), Vec::new());
        for found in of_one_kind {
            group.push(found);
            figures.push(&found.figure);
            if is_total_of_several(&figures, version, &input.suppression) {
                counted.append(&mut group);
                figures.clear();
            }
        }
    }
    counted
}

/// What of a figure goes into a total: its value, or numerator and denominator of a ratio.
fn parts(figure: &Figure, version: &IndicatorVersion) -> Option<(f64, Option<f64>)> {
    match (version.additivity, version.measure) {
        (Additivity::None, _) | (Additivity::Sum, Measure::Percentage | Measure::Rate) => None,
        (Additivity::Sum, _) => value(figure).map(|value| (value, None)),
        (Additivity::RatioOfSums, _) => Some((figure.numerator?, Some(figure.denominator?))),
    }
}

/// Whether no single one of these figures can be told from their total: enough of them, and none of them most of it. For a
/// ratio that holds above and below the line and for what lies between, where it is a part of a whole.
///
/// Where nothing is counted at all, everybody has nothing, and that would be told: zero is no total of several.
fn is_total_of_several(figures: &[&Figure], version: &IndicatorVersion, policy: &SuppressionPolicy) -> bool {
    let Some(parts) = figures.iter().map(|figure| parts(figure, version)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let above: Vec<f64> = parts.iter().map(|part| part.0).collect();
    let below: Vec<f64> = parts.iter().filter_map(|part| part.1).collect();
    let between: Vec<f64> = parts.iter().filter_map(|&(above, below)| Some(below? - above)).collect();
    let enough = usize::try_from(policy.minimum_communities).is_ok_and(|least| figures.len() >= least);
    let spread = |terms: &[f64]| terms.is_empty() || no_share_exceeds(terms, policy.maximum_share);
    enough && spread(&above) && spread(&below) && (between.iter().any(|&rest| rest < 0.0) || spread(&between))
}

/// Whether no term makes up more of the sum, whatever the signs, than so many percent.
fn no_share_exceeds(terms: &[f64], percent: f64) -> bool {
    let sum = total(terms.iter().map(|term| term.abs()));
    let largest = terms.iter().fold(0.0, |largest: f64, term| largest.max(term.abs()));
    sum > 0.0 && largest * 100.0 <= sum * percent
}

/// The total: counts and amounts add up; rates and percentages are multiplier x sum of numerators / sum of denominators, if
/// every one of them says both. They are never summed or averaged themselves, whatever the version declares.
fn together(figures: &[&Figure], version: &IndicatorVersion) -> Option<Aggregate> {
    if figures.len() < SEVERAL {
        return None;
    }
    let parts: Vec<_> = figures.iter().map(|figure| parts(figure, version)).collect::<Option<_>>()?;
    let above = total(parts.iter().map(|part| part.0));
    let communities = count(figures.len());
    if version.additivity == Additivity::Sum {
        let value = clean(above, places(version))?;
        return Some(Aggregate { value, numerator: None, denominator: None, communities, withheld: 0 });
    }
    let numerator = clean(above, PERCENT_PLACES)?;
    let denominator = clean(total(parts.iter().filter_map(|part| part.1)), PERCENT_PLACES)?;
    // Denominators are above zero; were they not, the ratio would not be finite and gives nothing.
    let value = clean(numerator / denominator * version.multiplier?, places(version))?;
    Some(Aggregate { value, numerator: Some(numerator), denominator: Some(denominator), communities, withheld: 0 })
}
