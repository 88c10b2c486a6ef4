//! x
fn main() { println!("{}", api::graphql::schema::sdl()); }
