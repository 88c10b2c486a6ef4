//! The public data sets that Concert was made for, where they are at hand: `CONCERT_TEST_DATA` names their folder. Whoever
//! runs these tests has it (`tests/run` leaves them out and says so where it is missing). Expectations are computed from
//! the files by themselves.
