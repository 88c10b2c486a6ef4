//! The schema is reviewed like code: what is served is what stands in `schema.graphql`.

#[test]
fn the_schema_is_the_one_that_was_reviewed() {
    let reviewed = include_str!("../../schema.graphql");
    let served = api::graphql::schema::sdl();
    let difference = reviewed.lines().zip(served.lines()).find(|(a, b)| a != b);
    assert!(
        reviewed == served,
        "schema.graphql is out of date: run `concert schema > schema.graphql` and read what changed; first: {difference:?}"
    );
}
