//! Which series have which identifiers: figures of the same ones come in month after month.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard},
};

use uuid::Uuid;

use super::{Session, session::held};
use crate::{
    error::{Error, Result},
    id::SeriesId,
    series::{Disaggregation, Series},
};

/// How many series are remembered at most, about 9 MiB: one more step of the table would take twice as much.
const MOST: usize = 229_000;
/// How many different communities, definitions and sources they name at most, and how many parts of the population.
const MOST_NAMES: usize = 50_000;
/// The longest part of the population that is remembered, bytes.
const LONGEST_PART: usize = 200;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Things by short numbers.
struct Names<T>(Map<T, u32>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(Map::default())
    }
}

impl<T: Hash + Eq + Clone> Names<T> {
    fn of(&self, name: &T) -> Option<u32> {
        self.0.get(name).copied()
    }

    /// Its number, also if it has none yet; none if there is no room.
    fn of_new(&mut self, name: &T) -> Option<u32> {
        if let Some(number) = self.of(name) {
            return Some(number);
        }
        let number = u32::try_from(self.0.len()).ok().filter(|_| self.0.len() < MOST_NAMES)?;
        self.0.insert(name.clone(), number);
        Some(number)
    }
}

/// What is remembered. A series is the numbers of its community, indicator version, source and disaggregation: a quarter of its size.
#[derive(Default)]
struct Kept {
    ids: Map<[u32; 4], SeriesId>,
    records: Names<Uuid>,
    disaggregations: Names<Disaggregation>,
    /// How many there was no room for.
    left_out: usize,
}

impl Kept {
    fn find(&self, series: &Series) -> Option<SeriesId> {
        let record = |id: Uuid| self.records.of(&id);
        let key = [
            record(series.community.into())?,
            record(series.indicator_version.into())?,
            record(series.source.into())?,
            self.disaggregations.of(&series.disaggregation)?,
        ];
        self.ids.get(&key).copied()
    }

    fn keep(&mut self, series: &Series, id: SeriesId) -> Option<()> {
        let length: usize = series.disaggregation.iter().map(|(dimension, value)| dimension.len() + value.len()).sum();
        if self.ids.len() >= MOST || length > LONGEST_PART {
            return None;
        }
        let mut record = |id: Uuid| self.records.of_new(&id);
        let key = [
            record(series.community.into())?,
            record(series.indicator_version.into())?,
            record(series.source.into())?,
            self.disaggregations.of_new(&series.disaggregation)?,
        ];
        self.ids.insert(key, id);
        Some(())
    }
}

/// The identifiers of series that others can see: they never change, and such a series never goes away again.
#[derive(Default)]
pub(super) struct SeriesIds(Mutex<Kept>);

impl SeriesIds {
    /// The identifiers of these series, as far as they are remembered.
    pub(super) fn find(&self, series: &[Series]) -> Vec<Option<SeriesId>> {
        let kept = self.kept();
        series.iter().map(|series| kept.find(series)).collect()
    }

    /// Remembers these as far as there is room. Once as many were left out as fit in, other series are in use: it begins anew.
    pub(super) fn keep<'a>(&self, found: impl Iterator<Item = (&'a Series, SeriesId)>) {
        let mut kept = self.kept();
        for (series, id) in found {
            if kept.keep(series, id).is_none() {
                kept.left_out += 1;
            }
            if kept.left_out > MOST {
                *kept = Kept::default();
            }
        }
    }

    /// Forgets all: one of them is not there.
    pub(super) fn forget(&self) {
        *self.kept() = Kept::default();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        held(&self.0)
    }
}

impl Session {
    /// Forgets which series there are where one that is remembered was not there: the database was put back to an earlier state.
    pub(super) fn doubt_series(&self, error: &Error) {
        if matches!(error, Error::Internal(_)) {
            self.services().series_ids.forget();
        }
    }

    /// The ids of those of these series that there are, in their order. All sessions remember them.
    pub(super) async fn find_series(&self, series: &[Series]) -> Result<Vec<Option<SeriesId>>> {
        let remembered = &self.services().series_ids;
        let mut ids = remembered.find(series);
        let places: Vec<usize> =
            ids.iter().enumerate().filter(|(_, id)| id.is_none()).map(|(place, _)| place).collect();
        if places.is_empty() {
            return Ok(ids);
        }
        let unknown: Vec<_> = places.iter().filter_map(|&place| series.get(place).cloned()).collect();
        let found = self.repositories().figures().find_series(&unknown).await?;
        // What was created here may still be undone.
        if !self.has_created_series() {
            remembered.keep(unknown.iter().zip(&found).filter_map(|(series, id)| Some((series, (*id)?))));
        }
        for (place, found) in places.into_iter().zip(found) {
            if let Some(id) = ids.get_mut(place) {
                *id = found;
            }
        }
        Ok(ids)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series((community, version, source, age): (u8, u8, u8, u8)) -> Series {
        let id = |kind: u128, number: u8| Uuid::from_u128(kind << 64 | u128::from(number));
        let pairs = (age > 0).then(|| ("age", age.to_string()));
        Series {
            community: id(1, community).into(),
            indicator: id(2, version / 2).into(),
            indicator_version: id(3, version).into(),
            source: id(4, source).into(),
            disaggregation: Disaggregation::new(pairs).unwrap_or_default(),
        }
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_what_was_found(
            found in prop::collection::vec(((0u8..9, 0u8..4, 0u8..3, 0u8..3), any::<u128>()), 0..200),
            asked in prop::collection::vec((0u8..9, 0u8..4, 0u8..3, 0u8..3), 1..50),
        ) {
            let (ids, mut model) = (SeriesIds::default(), HashMap::new());
            for (key, id) in found {
                let id = SeriesId::from(Uuid::from_u128(id));
                ids.keep(std::iter::once((&series(key), id)));
                model.insert(key, id);
            }
            let asked_for: Vec<_> = asked.iter().copied().map(series).collect();
            let known: Vec<_> = asked.iter().map(|key| model.get(key).copied()).collect();
            prop_assert_eq!(ids.find(&asked_for), known);
            ids.forget();
            prop_assert!(ids.find(&asked_for).iter().all(Option::is_none));
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_looked_up() {
        let ids = SeriesIds::default();
        let of = |number: u128| {
            let mut series = series((0, 0, 0, 0));
            series.community = Uuid::from_u128(number).into();
            series
        };
        let keep = |number: u128| ids.keep(std::iter::once((&of(number), Uuid::from_u128(number).into())));
        (0..=MOST_NAMES as u128).for_each(keep);
        assert!(ids.kept().records.0.len() <= MOST_NAMES);
        assert!(ids.find(&[of(0)])[0].is_some() && ids.find(&[of(MOST_NAMES as u128)])[0].is_none());
        let long = Disaggregation::new([("a", "b".repeat(120)), ("c", "d".repeat(120))]);
        ids.keep(std::iter::once((
            &Series { disaggregation: long.clone().unwrap_or_default(), ..of(0) },
            Uuid::nil().into(),
        )));
        assert!(long.is_ok() && ids.kept().disaggregations.0.len() == 1);
        // Others are in use by now.
        (0..=MOST as u128).for_each(|_| keep(u128::MAX));
        keep(u128::MAX);
        assert!(ids.find(&[of(0)])[0].is_none() && ids.find(&[of(u128::MAX)])[0].is_some());
    }
}
