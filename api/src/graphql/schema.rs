//! The schema as a whole.

use async_graphql::{EmptySubscription, MergedObject, SDLExportOptions, Schema, SchemaBuilder};
use domain::service::Services;

use super::{
    account::AccountMutation,
    api_token::ApiTokenMutation,
    authority_decision::AuthorityDecisionMutation,
    baseline::BaselineMutation,
    community::CommunityMutation,
    figure_query::FigureQuery,
    grant::GrantMutation,
    identity::IdentityMutation,
    import_job::ImportJobMutation,
    indicator::IndicatorMutation,
    initiative::InitiativeMutation,
    invitation::InvitationMutation,
    learning::LearningMutation,
    mapping::MappingMutation,
    membership::MembershipMutation,
    network::NetworkMutation,
    observation::{ObservationMutation, PushMutation, RetractMutation},
    participation::ParticipationMutation,
    partner::PartnerMutation,
    pending::PendingMutation,
    period_lock::PeriodLockMutation,
    quality_rule::QualityRuleMutation,
    query::RecordQuery,
    series_break::SeriesBreakMutation,
    sharing_rule::SharingRuleMutation,
    source::SourceMutation,
    target::TargetMutation,
};

/// Where queries begin.
#[derive(MergedObject, Default)]
pub struct Query(RecordQuery, FigureQuery);

/// Where changes begin. Every change answers the record as it now stands or, in `userErrors`, why it was refused; a
/// refused change leaves nothing behind.
#[derive(MergedObject, Default)]
pub struct Mutation(NetworkChanges, DeclaredChanges, FigureChanges, AccessChanges);

// In four parts: the compiler follows every one of them through all that come before it in its list.

/// Changes of networks and who works in them.
#[derive(MergedObject, Default)]
pub struct NetworkChanges(
    NetworkMutation,
    MembershipMutation,
    CommunityMutation,
    InitiativeMutation,
    PartnerMutation,
    ParticipationMutation,
    LearningMutation,
);

/// Changes of what is measured, and of what is declared about it.
#[derive(MergedObject, Default)]
pub struct DeclaredChanges(
    IndicatorMutation,
    SourceMutation,
    MappingMutation,
    BaselineMutation,
    TargetMutation,
    QualityRuleMutation,
    PeriodLockMutation,
    SeriesBreakMutation,
    SharingRuleMutation,
    AuthorityDecisionMutation,
);

/// Changes of figures.
#[derive(MergedObject, Default)]
pub struct FigureChanges(ObservationMutation, PushMutation, RetractMutation, PendingMutation, ImportJobMutation);

/// Changes of who may do what, and signing in and out.
#[derive(MergedObject, Default)]
pub struct AccessChanges(AccountMutation, GrantMutation, ApiTokenMutation, IdentityMutation, InvitationMutation);

/// The executable schema.
pub type ConcertSchema = Schema<Query, Mutation, EmptySubscription>;

fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
}

/// The schema over these use cases.
pub fn schema(services: Services) -> ConcertSchema {
    builder().data(services).finish()
}

/// The schema in the definition language of GraphQL, as `schema.graphql` keeps it.
pub fn sdl() -> String {
    let sdl = builder().finish().sdl_with_options(SDLExportOptions::new().include_specified_by());
    // Directives that every GraphQL server knows need no definition, and tools stumble over a second one.
    let known = |line: &str| {
        ["include", "skip", "specifiedBy", "deprecated", "oneOf"]
            .iter()
            .any(|name| line.starts_with(&format!("directive @{name}")))
    };
    let mut kept: Vec<&str> = Vec::new();
    for line in sdl.lines() {
        if known(line) {
            // Its description goes with it.
            if kept.pop_if(|line| *line == "\"\"\"").is_some() {
                while kept.pop().is_some_and(|line| line != "\"\"\"") {}
            }
        } else {
            kept.push(line);
        }
    }
    kept.join("\n").trim_end().replace('\t', "  ") + "\n"
}
