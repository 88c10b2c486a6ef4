//! Orders of lists: one declaration for each kind of record.

/// Declares the order argument of a list: a field to order by, and a direction.
macro_rules! order {
    ($what:literal, $input:ident, $field:ident, $sort:ty, $($(#[$meta:meta])* $variant:ident),+ $(,)?) => {
        #[doc = concat!("By what ", $what, " are ordered.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
        pub enum $field { $($(#[$meta])* $variant),+ }

        #[doc = concat!("The order of ", $what, "; equal ones by their id.")]
        #[derive(Debug, Clone, Copy, async_graphql::InputObject)]
        pub struct $input {
            /// By what.
            pub field: $field,
            /// Which way.
            #[graphql(default_with = "crate::graphql::connection::OrderDirection::Asc")]
            pub direction: crate::graphql::connection::OrderDirection,
        }

        impl From<$input> for domain::page::Order<$sort> {
            fn from(input: $input) -> Self {
                let by = match input.field { $($field::$variant => <$sort>::$variant),+ };
                Self { by, direction: input.direction.into() }
            }
        }
    };
}

pub(super) use order;

/// The order asked for, or the one that the list has by itself.
pub fn ordered<S, I: Into<domain::page::Order<S>>>(given: Option<I>) -> domain::page::Order<S>
where
    domain::page::Order<S>: Default,
{
    given.map_or_else(domain::page::Order::default, Into::into)
}
