//! Nothing: this package holds the suite alone.
