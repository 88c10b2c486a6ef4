//! Data-quality rules in the schema.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use domain::{error::Result, quality as noun, record::Stored};

use super::{
    community::Community,
    id,
    indicator::Indicator,
    input::patch,
    network::Network,
    order::order,
    record::{ArchiveInput, RecordFields, archive, by_id_opt, create, may_change, payload, shows, update},
    scalars::LanguageTag,
    text::{LocalizedText, LocalizedTextInput, serve_opt},
};

/// What a data-quality rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::QualityCheck")]
pub enum QualityCheck {
    /// The value lies in a plausible range, narrower than the one that its definition allows.
    Range,
    /// The value is not too far from the one before it in the same series. Fewer than four values before it say nothing.
    Jump,
    /// The parts of a dimension add up to the total. For figures that add up alone (additivity SUM); while parts are missing, they
    /// may be less.
    TotalAgainstParts,
    /// The value is numerator / denominator x multiplier, and the part does not exceed its whole, where the definition leaves that
    /// open.
    Ratio,
}

/// What becomes of a figure that a rule finds doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "noun::QualityEffect")]
pub enum QualityEffect {
    /// It is kept, and the finding is told.
    Warn,
    /// It is refused with the code QUALITY.
    Refuse,
}

/// Something doubtful in a figure.
#[derive(Debug, Clone, SimpleObject)]
pub struct QualityFinding {
    /// What was looked at.
    pub rule: QualityCheck,
    /// What becomes of the figure.
    pub effect: QualityEffect,
    /// What is doubtful, for people.
    pub message: String,
}

impl From<noun::Finding> for QualityFinding {
    fn from(finding: noun::Finding) -> Self {
        Self { rule: finding.check.into(), effect: finding.effect.into(), message: finding.message }
    }
}

/// A rule by which figures of a community, or of the members of a network, are found doubtful when they come in. All that hold are
/// looked at. Those of networks are seen by everybody, those of a community by its people.
#[derive(Clone)]
pub struct QualityRule(Arc<Stored<noun::QualityRule>>);

shows!(QualityRule, noun::QualityRule);

/// A rule by which figures of a community, or of the members of a network, are found doubtful when they come in. All that hold are
/// looked at. Those of networks are seen by everybody, those of a community by its people.
#[Object]
impl QualityRule {
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

    /// For the figures of the members of this network; nothing if it is a community's.
    async fn network(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Network>> {
        by_id_opt(ctx, self.0.network).await
    }

    /// For the figures of this community; nothing if it is a network's.
    async fn community(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Community>> {
        by_id_opt(ctx, self.0.community).await
    }

    /// For figures by this indicator; by all if there is none.
    async fn indicator(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Indicator>> {
        by_id_opt(ctx, self.0.indicator).await
    }

    /// What it looks at.
    async fn rule(&self) -> QualityCheck {
        self.0.check.into()
    }

    /// What becomes of a doubtful figure.
    async fn effect(&self) -> QualityEffect {
        self.0.effect.into()
    }

    /// RANGE: the smallest plausible value.
    async fn minimum(&self) -> Option<f64> {
        self.0.limits.minimum
    }

    /// RANGE: the largest plausible value.
    async fn maximum(&self) -> Option<f64> {
        self.0.limits.maximum
    }

    /// JUMP: how many median absolute deviations a change may lie from the median of the changes before it.
    async fn deviations(&self) -> Option<f64> {
        self.0.limits.deviations
    }

    /// JUMP: the largest change, % of the value before. TOTAL_AGAINST_PARTS and RATIO: the largest difference, % of what is expected.
    async fn percent(&self) -> Option<f64> {
        self.0.limits.percent
    }

    /// RATIO: the multiplier where the definition names none.
    async fn multiplier(&self) -> Option<f64> {
        self.0.limits.multiplier
    }

    /// Why.
    async fn note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language preferred; goes before those of the request.")] locale: Option<LanguageTag>,
    ) -> async_graphql::Result<Option<LocalizedText>> {
        serve_opt(ctx, self.0.note.as_ref(), locale)
    }
}

order! { "quality rules", QualityRuleOrder, QualityRuleOrderField, noun::QualityRuleSort,
    /// When they were made.
    CreatedAt,
}

/// What rules are narrowed by; all that is given must hold.
#[derive(Debug, Clone, Default, InputObject)]
pub struct QualityRuleFilter {
    /// Of this network.
    pub network: Option<ID>,
    /// Of this community.
    pub community: Option<ID>,
    /// For this indicator.
    pub indicator: Option<ID>,
    /// Whether archived ones are listed too.
    #[graphql(default)]
    pub include_archived: bool,
}

impl QualityRuleFilter {
    /// The filter, and whether archived ones are asked for.
    pub fn read(self) -> Result<(noun::QualityRuleFilter, bool)> {
        let filter = noun::QualityRuleFilter {
            network: id::parse_opt(self.network.as_ref(), "filter.network")?,
            community: id::parse_opt(self.community.as_ref(), "filter.community")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "filter.indicator")?,
        };
        Ok((filter, self.include_archived))
    }
}

/// A rule to make, for a network or for a community.
#[derive(Debug, Clone, InputObject)]
pub struct QualityRuleCreateInput {
    /// For the figures of the members of this network. Its rules warn.
    pub network: Option<ID>,
    /// For the figures of this community.
    pub community: Option<ID>,
    /// For figures by this indicator; by all if it is left out. RANGE needs one.
    pub indicator: Option<ID>,
    /// What it looks at.
    pub rule: QualityCheck,
    /// What becomes of a doubtful figure.
    #[graphql(default_with = "QualityEffect::Warn")]
    pub effect: QualityEffect,
    /// RANGE: the smallest plausible value.
    pub minimum: Option<f64>,
    /// RANGE: the largest plausible value.
    pub maximum: Option<f64>,
    /// JUMP: how many median absolute deviations a change may lie from the median of the changes before it.
    pub deviations: Option<f64>,
    /// JUMP: the largest change, % of the value before. TOTAL_AGAINST_PARTS and RATIO: the largest difference, % of what is expected.
    pub percent: Option<f64>,
    /// RATIO: the multiplier where the definition names none.
    pub multiplier: Option<f64>,
    /// Why.
    pub note: Option<LocalizedTextInput>,
}

/// A change of a rule. What is left out stays as it is; null takes a number away.
#[derive(Debug, Clone, InputObject)]
pub struct QualityRuleUpdateInput {
    /// The rule.
    pub id: ID,
    /// The version that was seen.
    pub version: i32,
    /// What becomes of a doubtful figure.
    pub effect: Option<QualityEffect>,
    /// RANGE: the smallest plausible value.
    pub minimum: MaybeUndefined<f64>,
    /// RANGE: the largest plausible value.
    pub maximum: MaybeUndefined<f64>,
    /// JUMP: how many median absolute deviations a change may lie from the median of the changes before it.
    pub deviations: MaybeUndefined<f64>,
    /// JUMP: the largest change, % of the value before. TOTAL_AGAINST_PARTS and RATIO: the largest difference, % of what is expected.
    pub percent: MaybeUndefined<f64>,
    /// RATIO: the multiplier where the definition names none.
    pub multiplier: MaybeUndefined<f64>,
    /// Why; null takes it away.
    pub note: MaybeUndefined<LocalizedTextInput>,
}

impl QualityRuleCreateInput {
    fn read(self) -> Result<noun::QualityRule> {
        Ok(noun::QualityRule {
            network: id::parse_opt(self.network.as_ref(), "network")?,
            community: id::parse_opt(self.community.as_ref(), "community")?,
            indicator: id::parse_opt(self.indicator.as_ref(), "indicator")?,
            check: self.rule.into(),
            limits: noun::Limits {
                minimum: self.minimum,
                maximum: self.maximum,
                deviations: self.deviations,
                percent: self.percent,
                multiplier: self.multiplier,
            },
            effect: self.effect.into(),
            note: self.note.map(|note| note.get("note")).transpose()?,
        })
    }
}

impl QualityRuleUpdateInput {
    fn apply(self, now: &noun::QualityRule) -> Result<noun::QualityRule> {
        let limits = noun::Limits {
            minimum: patch(self.minimum, &now.limits.minimum, Ok)?,
            maximum: patch(self.maximum, &now.limits.maximum, Ok)?,
            deviations: patch(self.deviations, &now.limits.deviations, Ok)?,
            percent: patch(self.percent, &now.limits.percent, Ok)?,
            multiplier: patch(self.multiplier, &now.limits.multiplier, Ok)?,
        };
        Ok(noun::QualityRule {
            effect: self.effect.map_or(now.effect, Into::into),
            limits,
            note: patch(self.note, &now.note, |note| note.get("note"))?,
            ..now.clone()
        })
    }
}

payload! {
    /// What a change of a data-quality rule answers.
    QualityRulePayload { quality_rule: QualityRule }
}

/// Changes of data-quality rules.
#[derive(Default)]
pub struct QualityRuleMutation;

/// Changes of data-quality rules.
#[Object]
impl QualityRuleMutation {
    /// Says which figures are doubtful. For stewards of the community, or coordinators of the network.
    async fn quality_rule_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to add.")] input: QualityRuleCreateInput,
    ) -> async_graphql::Result<QualityRulePayload> {
        QualityRulePayload::of(create(ctx, input.read()).await, "input")
    }

    /// Changes which figures are doubtful. For stewards of the community, or coordinators of the network.
    async fn quality_rule_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: QualityRuleUpdateInput,
    ) -> async_graphql::Result<QualityRulePayload> {
        let (id, version) = (input.id.clone(), input.version);
        QualityRulePayload::of(update(ctx, &id, version, |now| input.apply(now)).await, "input")
    }

    /// Archives a rule so that it no longer holds, or brings it back. For stewards of the community, or coordinators of the network.
    async fn quality_rule_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, and whether.")] input: ArchiveInput,
    ) -> async_graphql::Result<QualityRulePayload> {
        QualityRulePayload::of(archive::<noun::QualityRule>(ctx, input).await, "input")
    }
}
