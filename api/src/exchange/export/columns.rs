//! Columns for the dimensions of disaggregations.

use std::collections::{BTreeSet, HashSet};

use domain::series::Disaggregation;

use super::LeftOut;

/// The dimensions that have a column.
#[derive(Debug, Default)]
pub struct Dimensions(Vec<String>);

impl Dimensions {
    /// A column for each dimension that `fits`. Of those that readers take for the `same` the first has one.
    pub fn new(all: &BTreeSet<String>, fits: impl Fn(&str) -> bool, same: impl Fn(&str) -> String) -> Self {
        let mut taken = HashSet::new();
        Self(all.iter().filter(|name| fits(name) && taken.insert(same(name))).cloned().collect())
    }

    /// Their names in the order of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The cell of each column, `blank` where there is no breakdown.
    ///
    /// # Errors
    /// [`LeftOut::Part`] for a dimension without a column, as for one that came in while the export was running, and for a value that
    /// readers would take for something else.
    pub fn cells<'a>(
        &self,
        part: &'a Disaggregation,
        blank: &'a str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Vec<&'a str>, LeftOut> {
        let mut cells = vec![blank; self.0.len()];
        for (name, value) in part.iter() {
            let place = self.0.iter().position(|own| own == name);
            match place.and_then(|place| cells.get_mut(place)).filter(|_| fits(value)) {
                Some(cell) => *cell = value,
                None => return Err(LeftOut::Part),
            }
        }
        Ok(cells)
    }
}
