//! The schema as a whole.

use async_graphql::{EmptySubscription, MergedObject, Schema, SchemaBuilder};
use domain::service::Services;

use super::{
    community::CommunityMutation, indicator::IndicatorMutation, initiative::InitiativeMutation, learning::LearningMutation,
    membership::MembershipMutation, network::NetworkMutation, observation::ObservationMutation,
    participation::ParticipationMutation, partner::PartnerMutation, query::Query, source::SourceMutation,
    target::{BaselineMutation, TargetMutation},
};

/// Where changes begin. Every change answers the record as it now stands or, in `userErrors`, why it was refused; a
/// refused change leaves nothing behind.
#[derive(MergedObject, Default)]
pub struct Mutation(
    NetworkMutation,
    MembershipMutation,
    CommunityMutation,
    InitiativeMutation,
    PartnerMutation,
    ParticipationMutation,
    IndicatorMutation,
    SourceMutation,
    ObservationMutation,
    BaselineMutation,
    TargetMutation,
    LearningMutation,
);

/// The executable schema.
pub type ConcertSchema = Schema<Query, Mutation, EmptySubscription>;

fn builder() -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query, Mutation::default(), EmptySubscription)
}

/// The schema over these use cases.
pub fn schema(services: Services) -> ConcertSchema {
    builder().data(services).finish()
}

/// The schema in the definition language of GraphQL, as `schema.graphql` keeps it.
pub fn sdl() -> String {
    builder().finish().sdl_with_options(async_graphql::SDLExportOptions::new().prefer_single_line_descriptions())
}
