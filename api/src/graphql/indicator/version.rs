//! Versions of indicators in the schema.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use domain::{id::IndicatorId, indicator as noun, record::Stored};

use super::Indicator;
use crate::graphql::{
    context::ContextExt as _,
    error::IntoGraphql as _,
    id,
    loaders::ChildrenOf,
    order::order,
    record::{RecordFields, may_change, referred, shows},
    scalars::{Date, LanguageTag},
    text::{LocalizedText, serve, serve_opt},
};

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::Polarity")]
pub enum Polarity {
    /// More is better.
    HigherIsBetter,
    /// Less is better.
    LowerIsBetter,
    /// Neither; no improvement is computed.
    Neutral,
}

/// How figures of several communities may be put together. Percentages are never averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::Additivity")]
pub enum Additivity {
    /// They add up: counts of distinct things.
    Sum,
    /// Numerators and denominators add up, and the ratio is taken of the sums.
    RatioOfSums,
    /// They cannot be put together.
    None,
}

/// What kind of quantity a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::Measure")]
pub enum Measure {
    /// A whole number of things or people.
    Count,
    /// A share of a whole, 0 to 100 unless the version declares another range.
    Percentage,
    /// So many per 100, 1 000, 10 000 or 100 000.
    Rate,
    /// An amount of money in units of its currency.
    Amount,
    /// A length of time.
    Duration,
    /// An index or score without a unit.
    Index,
    /// Any other quantity, as its unit says.
    Other,
}

/// What kind of period a figure is for. Figures of different kinds are not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::period::PeriodKind")]
pub enum PeriodKind {
    /// A calendar year.
    Year,
    /// Twelve months from the first of another month than January.
    FiscalYear,
    /// Six months.
    HalfYear,
    /// A calendar quarter.
    Quarter,
    /// Two months, from an odd month.
    TwoMonths,
    /// A calendar month.
    Month,
    /// An ISO week, from Monday.
    Week,
    /// A day.
    Day,
    /// A window of two or more whole years; windows of one series may overlap.
    MultiYear,
    /// Any other span.
    Range,
}

/// One definition of an indicator. Once figures are recorded under it, it never changes; no arithmetic crosses versions.
#[derive(Clone)]
pub struct IndicatorVersion(Arc<Stored<noun::IndicatorVersion>>);

shows!(IndicatorVersion, noun::IndicatorVersion);

/// One definition of an indicator. Once figures are recorded under it, it never changes; no arithmetic crosses versions.
#[Object]
impl IndicatorVersion {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(self.0.id)
    }

    /// Version and times.
    #[graphql(flatten)]
    async fn record(&self) -> RecordFields {
        (&self.0.meta).into()
    }

    /// Whether you may change it.
    async fn viewer_can_update(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.update)
    }

    /// Whether you may archive it, or bring it back.
    async fn viewer_can_archive(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(may_change(ctx, &self.0).await?.archive)
    }

    /// The indicator that it defines.
    async fn indicator(&self, ctx: &Context<'_>) -> async_graphql::Result<Indicator> {
        referred(ctx, self.0.indicator).await
    }

    /// Counts from 1 within the indicator.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// What kind of quantity a figure is.
    async fn measure(&self) -> Measure {
        self.0.measure.into()
    }

    /// The unit, as shown beside a figure.
    async fn unit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<LocalizedText> {
        serve(ctx, &self.0.unit, locale)
    }

    /// The currency of an amount of money, ISO 4217.
    async fn currency(&self) -> Option<&str> {
        self.0.currency.as_ref().map(AsRef::as_ref)
    }

    /// Decimals shown, 0 to 6.
    async fn decimals(&self) -> i32 {
        self.0.decimals
    }

    /// The smallest figure allowed: declared, or 0 for counts and percentages.
    async fn minimum(&self) -> Option<f64> {
        self.0.lower_bound()
    }

    /// The largest figure allowed: declared, or 100 for percentages that declare no range of their own.
    async fn maximum(&self) -> Option<f64> {
        self.0.upper_bound()
    }

    /// Which way is good.
    async fn polarity(&self) -> Polarity {
        self.0.polarity.into()
    }

    /// What is counted above the line of a ratio.
    async fn numerator(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.numerator.as_ref(), locale)
    }

    /// What is counted below the line of a ratio.
    async fn denominator(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.denominator.as_ref(), locale)
    }

    /// Figure = numerator / denominator x multiplier.
    async fn multiplier(&self) -> Option<f64> {
        self.0.multiplier
    }

    /// How often a figure is due.
    async fn frequency(&self) -> PeriodKind {
        self.0.frequency.into()
    }

    /// How figures of several communities may be put together.
    async fn additivity(&self) -> Additivity {
        self.0.additivity.into()
    }

    /// The first day for which this definition holds.
    async fn effective_from(&self) -> Date {
        self.0.effective_from.into()
    }

    /// Whether persons are counted: small counts of persons are withheld.
    async fn counts_persons(&self) -> bool {
        self.0.counts_persons
    }
}

order! { "definitions", IndicatorVersionOrder, IndicatorVersionOrderField, noun::IndicatorVersionSort,
    /// The number within the indicator.
    Number,
    /// The first day for which they hold.
    EffectiveFrom,
}

/// What definitions are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct IndicatorVersionFilter {
    /// Effective on this day, or before.
    pub effective_by: Option<Date>,
    /// With this polarity.
    pub polarity: Option<Polarity>,
    /// Whether archived ones are listed too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl IndicatorVersionFilter {
    /// The filter, and whether archived ones are asked for.
    pub fn read(self) -> domain::Result<(noun::IndicatorVersionFilter, bool)> {
        let filter = noun::IndicatorVersionFilter {
            effective_by: self.effective_by.map(|day| day.get("filter.effectiveBy")).transpose()?,
            polarity: self.polarity.map(Into::into),
            ..noun::IndicatorVersionFilter::default()
        };
        Ok((filter, self.include_archived))
    }
}

/// The definition in force today, loaded together with those of the indicator's siblings.
pub async fn current(ctx: &Context<'_>, indicator: IndicatorId) -> async_graphql::Result<Option<IndicatorVersion>> {
    let query = noun::in_force(ctx.services().clock().today());
    let parent = noun::IndicatorVersionParent::Indicator;
    let key = ChildrenOf::<noun::IndicatorVersion> { parent, id: indicator.into(), query: Arc::new(query) };
    let page = ctx.batch().load_one(key).await.into_graphql()?.unwrap_or_default();
    Ok(page.items.first().map(|(_, version)| IndicatorVersion::from(Arc::new(version.clone()))))
}
