//! Changing indicators and adding versions.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use domain::{error::Result, id::IndicatorId, indicator as noun};

use super::{
    Indicator, IndicatorKind, IndicatorVersion, PeriodKind,
    version::{Additivity, Measure, Polarity},
};
use crate::graphql::{
    id,
    initiative::Issue,
    input::{key, key_opt, patch, replace},
    record::{ArchiveInput, archive, create, payload, update},
    scalars::Date,
    text::LocalizedTextInput,
};

/// An indicator to add. Its first definition is added with `indicatorVersionCreate`.
#[derive(Debug, Clone, InputObject)]
pub struct IndicatorCreateInput {
    /// Its stable code: 1 to 120 letters, digits and . _ - : /.
    pub code: String,
    /// What it tells about; this never changes.
    pub kind: IndicatorKind,
    /// The issue it belongs to.
    pub issue: Option<Issue>,
    /// Its name, at most 200 characters.
    pub name: LocalizedTextInput,
    /// What it measures, in a few sentences.
    pub description: Option<LocalizedTextInput>,
}

/// A change of an indicator. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct IndicatorUpdateInput {
    /// The indicator.
    pub id: ID,
    /// The version of the record that was seen.
    pub version: i32,
    /// Its stable code.
    pub code: Option<String>,
    /// The issue it belongs to; null takes it away.
    pub issue: MaybeUndefined<Issue>,
    /// Its name.
    pub name: Option<LocalizedTextInput>,
    /// What it measures; null takes it away.
    pub description: MaybeUndefined<LocalizedTextInput>,
}

/// A definition of an indicator to add.
#[derive(Debug, Clone, InputObject)]
pub struct IndicatorVersionCreateInput {
    /// The indicator.
    pub indicator: ID,
    /// What kind of quantity a figure is.
    pub measure: Measure,
    /// The unit, as shown beside a figure, at most 60 characters.
    pub unit: LocalizedTextInput,
    /// The currency of an amount of money, ISO 4217.
    pub currency: Option<String>,
    /// Decimals shown, 0 to 6.
    #[graphql(default = 1)]
    pub decimals: i32,
    /// The smallest possible figure; left out, 0 for counts and percentages. Counts are never below 0.
    pub minimum: Option<f64>,
    /// The largest possible figure; left out, 100 for percentages, unless the smallest lies below 0.
    pub maximum: Option<f64>,
    /// Which way is good.
    pub polarity: Polarity,
    /// What is counted above the line of a ratio.
    pub numerator: Option<LocalizedTextInput>,
    /// What is counted below the line of a ratio.
    pub denominator: Option<LocalizedTextInput>,
    /// Figure = numerator / denominator x multiplier: 1, 100, 1 000, 10 000, 100 000 or 1 000 000. Left out, 100 for percentages,
    /// and any of these for rates.
    pub multiplier: Option<f64>,
    /// How often a figure is due.
    pub frequency: PeriodKind,
    /// How figures of several communities may be put together.
    pub additivity: Additivity,
    /// The first day for which this definition holds.
    pub effective_from: Date,
    /// Whether persons are counted: small counts of persons are withheld.
    #[graphql(default = true)]
    pub counts_persons: bool,
}

/// A change of a definition under which no figure is recorded yet. What is left out stays as it is.
#[derive(Debug, Clone, InputObject)]
pub struct IndicatorVersionUpdateInput {
    /// The definition.
    pub id: ID,
    /// The version of the record that was seen.
    pub version: i32,
    /// What kind of quantity a figure is.
    pub measure: Option<Measure>,
    /// The unit, as shown beside a figure, at most 60 characters.
    pub unit: Option<LocalizedTextInput>,
    /// The currency of an amount of money, ISO 4217; null takes it away.
    pub currency: MaybeUndefined<String>,
    /// Decimals shown, 0 to 6.
    pub decimals: Option<i32>,
    /// The smallest possible figure; null takes it away. Targets on the definition stay in range.
    pub minimum: MaybeUndefined<f64>,
    /// The largest possible figure; null takes it away. Targets on the definition stay in range.
    pub maximum: MaybeUndefined<f64>,
    /// Which way is good.
    pub polarity: Option<Polarity>,
    /// What is counted above the line of a ratio; null takes it away.
    pub numerator: MaybeUndefined<LocalizedTextInput>,
    /// What is counted below the line of a ratio; null takes it away.
    pub denominator: MaybeUndefined<LocalizedTextInput>,
    /// Figure = numerator / denominator x multiplier; null takes it away.
    pub multiplier: MaybeUndefined<f64>,
    /// How often a figure is due.
    pub frequency: Option<PeriodKind>,
    /// How figures of several communities may be put together.
    pub additivity: Option<Additivity>,
    /// The first day for which this definition holds.
    pub effective_from: Option<Date>,
    /// Whether persons are counted: small counts of persons are withheld.
    pub counts_persons: Option<bool>,
}

payload! {
    /// What a change of an indicator answers.
    IndicatorPayload { indicator: Indicator }
}

payload! {
    /// What a change of a definition of an indicator answers.
    IndicatorVersionPayload { indicator_version: IndicatorVersion }
}

impl IndicatorCreateInput {
    fn read(self) -> Result<noun::Indicator> {
        Ok(noun::Indicator {
            code: key(&self.code, "code")?,
            kind: self.kind.into(),
            issue: self.issue.map(Into::into),
            name: self.name.get("name")?,
            description: self.description.map(|text| text.get("description")).transpose()?,
        })
    }
}

impl IndicatorUpdateInput {
    fn apply(self, now: &noun::Indicator) -> Result<noun::Indicator> {
        Ok(noun::Indicator {
            code: replace(self.code, &now.code, |code| key(&code, "code"))?,
            kind: now.kind,
            issue: patch(self.issue, &now.issue, |issue| Ok(issue.into()))?,
            name: replace(self.name, &now.name, |name| name.get("name"))?,
            description: patch(self.description, &now.description, |text| text.get("description"))?,
        })
    }
}

impl IndicatorVersionCreateInput {
    /// The definition; its number is given when it is kept.
    fn read(self) -> Result<noun::IndicatorVersion> {
        Ok(noun::IndicatorVersion {
            indicator: id::parse::<IndicatorId>(&self.indicator, "indicator")?,
            number: 0,
            measure: self.measure.into(),
            unit: self.unit.get("unit")?,
            currency: key_opt(self.currency.as_deref(), "currency")?,
            decimals: self.decimals,
            minimum: self.minimum,
            maximum: self.maximum,
            polarity: self.polarity.into(),
            numerator: self.numerator.map(|text| text.get("numerator")).transpose()?,
            denominator: self.denominator.map(|text| text.get("denominator")).transpose()?,
            multiplier: self.multiplier,
            frequency: self.frequency.into(),
            additivity: self.additivity.into(),
            effective_from: self.effective_from.get("effectiveFrom")?,
            counts_persons: self.counts_persons,
        })
    }
}

impl IndicatorVersionUpdateInput {
    fn apply(self, now: &noun::IndicatorVersion) -> Result<noun::IndicatorVersion> {
        Ok(noun::IndicatorVersion {
            indicator: now.indicator,
            number: now.number,
            measure: self.measure.map_or(now.measure, Into::into),
            unit: replace(self.unit, &now.unit, |text| text.get("unit"))?,
            currency: patch(self.currency, &now.currency, |code| key(&code, "currency"))?,
            decimals: self.decimals.unwrap_or(now.decimals),
            minimum: patch(self.minimum, &now.minimum, Ok)?,
            maximum: patch(self.maximum, &now.maximum, Ok)?,
            polarity: self.polarity.map_or(now.polarity, Into::into),
            numerator: patch(self.numerator, &now.numerator, |text| text.get("numerator"))?,
            denominator: patch(self.denominator, &now.denominator, |text| text.get("denominator"))?,
            multiplier: patch(self.multiplier, &now.multiplier, Ok)?,
            frequency: self.frequency.map_or(now.frequency, Into::into),
            additivity: self.additivity.map_or(now.additivity, Into::into),
            effective_from: replace(self.effective_from, &now.effective_from, |day| day.get("effectiveFrom"))?,
            counts_persons: self.counts_persons.unwrap_or(now.counts_persons),
        })
    }
}

/// Changes of indicators.
#[derive(Default)]
pub struct IndicatorMutation;

/// Changes of indicators.
#[Object]
impl IndicatorMutation {
    /// Adds an indicator.
    async fn indicator_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: IndicatorCreateInput,
    ) -> async_graphql::Result<IndicatorPayload> {
        IndicatorPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes an indicator.
    async fn indicator_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: IndicatorUpdateInput,
    ) -> async_graphql::Result<IndicatorPayload> {
        let (id, version) = (input.id.clone(), input.version);
        IndicatorPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives an indicator or brings it back.
    async fn indicator_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<IndicatorPayload> {
        IndicatorPayload::of(archive::<noun::Indicator>(ctx, input).await, "input")
    }

    /// Adds a definition of an indicator. It takes the next number; figures recorded so far stay under theirs.
    async fn indicator_version_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: IndicatorVersionCreateInput,
    ) -> async_graphql::Result<IndicatorVersionPayload> {
        IndicatorVersionPayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes a definition, as long as no figure is recorded under it; from then on it is IMMUTABLE, and another is added.
    async fn indicator_version_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: IndicatorVersionUpdateInput,
    ) -> async_graphql::Result<IndicatorVersionPayload> {
        let (id, version) = (input.id.clone(), input.version);
        IndicatorVersionPayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a definition so that it is no longer in force, or brings it back. Its figures stay.
    async fn indicator_version_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<IndicatorVersionPayload> {
        IndicatorVersionPayload::of(archive::<noun::IndicatorVersion>(ctx, input).await, "input")
    }
}
