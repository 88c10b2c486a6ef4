//! Totals with what the reader does not see alone.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::{collection::vec, prelude::*};
use rstest::rstest;

use super::*;
use crate::observation::ObservationStatus;

/// Persons, who add up.
fn counts() -> IndicatorVersion {
    IndicatorVersion {
        measure: Measure::Count,
        additivity: Additivity::Sum,
        multiplier: None,
        denominator: None,
        ..version(Polarity::LowerIsBetter)
    }
}

/// A figure for 2020 that nobody reads alone, of a member of network 1 that came in at so many seconds.
fn withheld(community: u32, value: f64) -> Withheld {
    Withheld {
        community: id(community),
        version: id(1),
        source: id(1),
        period: period("2020"),
        figure: Figure::of(value),
        read_by_members: false,
        networks: [id(1)].into(),
        since: DateTime::UNIX_EPOCH + TimeDelta::seconds(community.into()),
    }
}

/// The same for communities 101, 102, 103 …
fn all_withheld(values: &[f64]) -> Vec<Withheld> {
    (101..).zip(values).map(|(community, &value)| withheld(community, value)).collect()
}

/// A whole network: what the reader sees of the communities 1, 2, 3 …, and what not.
fn network(version: IndicatorVersion, seen: &[f64], withheld: Vec<Withheld>) -> Input {
    let mut input = input(version, values(seen));
    let communities: BTreeSet<CommunityId> = withheld.iter().map(|found| found.community).collect();
    input.members.extend(communities.into_iter().map(|community| Member { community, ..member(0) }));
    input.withheld = withheld;
    input
}

/// Value, communities, and how many of them are withheld.
fn total(input: &Input) -> Option<(f64, u32, u32)> {
    compare(input).aggregate.map(|all| (all.value, all.communities, all.withheld))
}

#[rstest]
#[case::enough(&[10.0, 20.0], &[30.0, 30.0, 40.0], Some((130.0, 5, 3)))]
#[case::no_other_seen(&[], &[30.0, 30.0, 40.0], Some((100.0, 3, 3)))]
#[case::just_one_seen(&[10.0], &[30.0, 30.0, 40.0], Some((110.0, 4, 3)))]
#[case::two(&[10.0, 20.0], &[30.0, 40.0], Some((30.0, 2, 0)))]
#[case::two_and_none_seen(&[], &[30.0, 40.0], None)]
#[case::two_and_one_seen(&[10.0], &[30.0, 40.0], None)]
#[case::just_not_too_much_of_what_is_left(&[100.0], &[80.0, 10.0, 10.0], Some((200.0, 4, 3)))]
#[case::too_much_of_what_is_left(&[100.0, 1.0], &[81.0, 10.0, 9.0], Some((101.0, 2, 0)))]
#[case::too_much_of_all(&[1_000.0], &[30.0, 30.0, 40.0], None)]
#[case::a_fourth_waits_for_others(&[10.0], &[30.0, 30.0, 40.0, 50.0], Some((110.0, 4, 3)))]
#[case::and_for_a_fifth(&[10.0], &[30.0, 30.0, 40.0, 50.0, 60.0], Some((110.0, 4, 3)))]
#[case::until_they_are_several(&[10.0], &[30.0, 30.0, 40.0, 50.0, 60.0, 70.0], Some((290.0, 7, 6)))]
#[case::one_too_large_waits_for_the_next(&[10.0], &[1.0, 90.0, 1.0, 30.0], Some((132.0, 5, 4)))]
#[case::nothing_at_all_is_told_of_nobody(&[1.0, 2.0], &[0.0, 0.0, 0.0], Some((3.0, 2, 0)))]
#[case::nor_that_all_is_of_one(&[1.0, 2.0], &[0.0, 0.0, 7.0], Some((3.0, 2, 0)))]
fn a_total_tells_nothing_of_a_single_community(
    #[case] seen: &[f64],
    #[case] others: &[f64],
    #[case] expected: Option<(f64, u32, u32)>,
) {
    let with = network(counts(), seen, all_withheld(others));
    assert_eq!(total(&with), expected);
    // The rest of the answer is of what the reader sees.
    let (with, without) = (compare(&with), compare(&Input { withheld: Vec::new(), ..with.clone() }));
    let rest = |all: Comparison| (all.entries, all.distribution, all.coverage, all.cohort_change);
    assert_eq!(rest(with), rest(without));
}

#[test]
fn a_stricter_network_asks_for_more() {
    let mut input = network(counts(), &[10.0], all_withheld(&[30.0, 30.0, 60.0, 30.0]));
    assert_eq!(total(&input), Some((130.0, 4, 3)));
    input.suppression.maximum_share = 50.0;
    assert_eq!(total(&input), Some((130.0, 4, 3)));
    input.suppression.minimum_communities = 4;
    assert_eq!(total(&input), Some((160.0, 5, 4)));
    input.suppression.maximum_share = 39.0;
    assert_eq!(total(&input), None);
}

#[test]
fn a_total_says_what_it_is_of_also_where_nothing_is_seen_alone() {
    let mut others = all_withheld(&[30.0, 30.0, 40.0, 50.0]);
    others[3].period = period("2021");
    let comparison = compare(&network(counts(), &[], others.clone()));
    assert_eq!((comparison.period, comparison.source), (Some(period("2020")), Some(id(1))));
    assert!(comparison.entries.iter().all(|entry| entry.cell.is_none()) && comparison.distribution.is_none());
    assert_eq!((comparison.coverage.reporting, comparison.coverage.expected), (0, 4));
    // Where there is no total, nobody knows when there are figures.
    others.remove(0);
    let comparison = compare(&network(counts(), &[], others));
    assert_eq!((comparison.period, comparison.source, comparison.aggregate), (None, None, None));
}

#[rstest]
#[case::another_version(|found: &mut Withheld| found.version = id(2))]
#[case::another_source(|found: &mut Withheld| found.source = id(2))]
#[case::another_period(|found: &mut Withheld| found.period = period("2019"))]
#[case::another_kind_of_period(|found: &mut Withheld| found.period = period("2020-01-01/P1M"))]
#[case::by_another_definition(|found: &mut Withheld| found.figure.status = ObservationStatus::DefinitionDiffers)]
#[case::without_a_value(|found: &mut Withheld| found.figure = Figure { status: ObservationStatus::Missing, ..Figure::default() })]
#[case::in_other_networks(|found: &mut Withheld| { found.networks.insert(id(2)); })]
#[case::read_by_members(|found: &mut Withheld| found.read_by_members = true)]
#[case::of_a_stranger(|found: &mut Withheld| found.community = id(999))]
#[case::of_one_that_is_seen(|found: &mut Withheld| found.community = id(1))]
#[case::twice_of_one(|found: &mut Withheld| found.community = id(101))]
fn only_like_is_added_and_only_in_groups_of_its_own(#[case] change: fn(&mut Withheld)) {
    let mut input = network(counts(), &[10.0, 20.0], all_withheld(&[30.0, 30.0, 40.0]));
    assert_eq!(total(&input), Some((130.0, 5, 3)));
    change(&mut input.withheld[2]);
    assert_eq!(total(&input), Some((30.0, 2, 0)));
}

#[rstest]
#[case::enough([(30.0, 100.0), (20.0, 100.0), (10.0, 100.0)], true)]
#[case::most_of_those_above_the_line_are_of_one([(90.0, 100.0), (5.0, 100.0), (5.0, 100.0)], false)]
#[case::most_of_those_below_are_of_one([(3.0, 900.0), (3.0, 50.0), (3.0, 50.0)], false)]
#[case::most_of_the_others_are_of_one([(10.0, 100.0), (98.0, 100.0), (99.0, 100.0)], false)]
#[case::nobody([(0.0, 100.0), (0.0, 100.0), (0.0, 100.0)], false)]
#[case::everybody([(100.0, 100.0), (100.0, 100.0), (100.0, 100.0)], false)]
#[case::more_events_than_persons([(300.0, 100.0), (200.0, 100.0), (250.0, 100.0)], true)]
fn above_below_and_between_nobody_makes_up_too_much(#[case] ratios: [(f64, f64); 3], #[case] given: bool) {
    let ratio = |(numerator, denominator): (f64, f64)| Figure {
        numerator: Some(numerator),
        denominator: Some(denominator),
        ..Figure::of(100.0 * numerator / denominator)
    };
    let others = (101..).zip(ratios).map(|(n, parts)| Withheld { figure: ratio(parts), ..withheld(n, 0.0) }).collect();
    let mut input = network(version(Polarity::LowerIsBetter), &[], others);
    let all = compare(&input).aggregate;
    let sums = ratios.iter().fold((0.0, 0.0), |(n, d), part| (n + part.0, d + part.1));
    assert_eq!(all.map(|all| (all.numerator, all.denominator)), given.then_some((Some(sums.0), Some(sums.1))));
    // One that does not say both is none of the group, and takes nothing from the others.
    input.withheld[0].figure.denominator = None;
    assert_eq!(compare(&input).aggregate, None);
    let more = withheld(104, 10.0);
    let with_one_more =
        network(version(Polarity::LowerIsBetter), &[], input.withheld.iter().cloned().chain([more]).collect());
    assert_eq!(compare(&with_one_more).aggregate, None);
}

/// Somebody's figure in networks 0 to 2: the power of two that it is, so that a sum tells what it is of; where its community
/// is; whether members read it; who of the readers reads it anyway.
#[derive(Debug, Clone)]
struct One {
    power: u32,
    networks: BTreeSet<u32>,
    read_by_members: bool,
    own: bool,
}

/// Communities in the order in which their figures come in.
fn communities() -> impl Strategy<Value = Vec<One>> {
    let one = (0..4_u32, 1..8_u32, any::<bool>(), prop::bool::weighted(0.1));
    // With steps of up to three powers some are too large beside those before, and most are not.
    vec(one, 1..16).prop_map(|all| {
        let mut power = 0;
        all.into_iter()
            .map(|(step, networks, read_by_members, own)| {
                let networks = (0..3).filter(|network| networks & (1 << network) != 0).collect();
                power += step.max(1);
                One { power, networks, read_by_members, own }
            })
            .collect()
    })
}

/// The members of a network of whom a reader of its total learns together: those in it that they did not see.
fn learned(all: &[One], network: u32, sees: impl Fn(&One) -> bool) -> BTreeSet<usize> {
    let inside = || (1..).zip(all).filter(|(_, one)| one.networks.contains(&network));
    let value = |one: &One| 2_f64.powi(i32::try_from(one.power).unwrap());
    let alone = inside().filter(|(_, one)| sees(one)).map(|(n, one)| candidate(n, "2020", Figure::of(value(one))));
    let mut input = input(counts(), alone.collect());
    input.members = inside().map(|(n, _)| member(n)).collect();
    input.period = Some(period("2020"));
    input.withheld = inside()
        .filter(|(_, one)| !sees(one))
        .map(|(n, one)| Withheld {
            read_by_members: one.read_by_members,
            networks: one.networks.iter().map(|&network| id(network)).collect(),
            ..withheld(n, value(one))
        })
        .collect();
    let Some(all_together) = compare(&input).aggregate else { return BTreeSet::new() };
    let is_in = |one: &One| (all_together.value / value(one)).floor() % 2.0 != 0.0;
    let learned: BTreeSet<usize> =
        (0..).zip(all).filter(|(_, one)| !sees(one) && is_in(one)).map(|(place, _)| place).collect();
    assert_eq!(usize::try_from(all_together.withheld).unwrap(), learned.len());
    if !learned.is_empty() {
        let values: Vec<f64> = learned.iter().map(|&place| value(&all[place])).collect();
        let (sum, largest) = (values.iter().sum::<f64>(), values.iter().copied().fold(0.0, f64::max));
        assert!(learned.len() >= 3 && largest <= 0.8 * sum && largest <= 0.8 * all_together.value, "{values:?}");
    }
    learned
}

/// Whether any single one can be worked out from the sums of these sets, by adding and subtracting them as one likes: brings the
/// system of equations into its reduced form.
fn tells_one(sums: &[BTreeSet<usize>], unknown: usize) -> bool {
    let mut rows: Vec<Vec<f64>> = sums
        .iter()
        .map(|sum| (0..unknown).map(|place| if sum.contains(&place) { 1.0 } else { 0.0 }).collect())
        .collect();
    let mut done = 0;
    for column in 0..unknown {
        let Some(pivot) = (done..rows.len()).find(|&row| rows[row][column].abs() > 1e-6) else { continue };
        rows.swap(done, pivot);
        let scale = rows[done][column];
        rows[done].iter_mut().for_each(|term| *term /= scale);
        let pivot = rows[done].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(place, _)| *place != done) {
            let factor = row[column];
            row.iter_mut().zip(&pivot).for_each(|(term, by)| *term -= factor * by);
        }
        done += 1;
    }
    rows.iter().any(|row| row.iter().filter(|term| term.abs() > 1e-6).count() == 1)
}

#[test]
fn the_adversary_of_the_next_test_knows_how_to_subtract() {
    let sums = |sums: &[&[usize]]| sums.iter().map(|sum| sum.iter().copied().collect()).collect::<Vec<_>>();
    assert!(tells_one(&sums(&[&[0, 1, 2, 3], &[0, 1, 2]]), 4));
    assert!(tells_one(&sums(&[&[0, 1, 2], &[1, 2, 3], &[0, 3, 4], &[4, 5, 6], &[5, 6]]), 7));
    assert!(!tells_one(&sums(&[&[0, 1, 2], &[0, 1, 2, 3, 4, 5]]), 6));
}

proptest! {
    /// Somebody who funds all networks reads every total, again whenever a figure came in, and takes out what they read alone.
    #[test]
    fn no_reader_works_out_a_single_figure_from_totals_of_all_networks_at_all_times(all in communities()) {
        let mut sums = Vec::new();
        for time in 1..=all.len() {
            sums.extend((0..3).map(|network| learned(&all[..time], network, |one| one.own)));
        }
        prop_assert!(!tells_one(&sums, all.len()), "{sums:?}");
    }

    /// The same with the help of the members of one network, who read its totals and all that is shared with them.
    #[test]
    fn nor_does_a_funder_together_with_members(all in communities()) {
        let all: Vec<One> = all.into_iter().map(|one| One { own: false, ..one }).collect();
        let members_see = |one: &One| one.read_by_members && one.networks.contains(&0);
        let mut sums = Vec::new();
        for time in 1..=all.len() {
            sums.extend((0..3).map(|network| learned(&all[..time], network, |_| false)));
            sums.push(learned(&all[..time], 0, members_see));
        }
        for sum in &mut sums {
            sum.retain(|&place| !members_see(&all[place]));
        }
        prop_assert!(!tells_one(&sums, all.len()), "{sums:?}");
    }
}
