//! What has happened in a town, or in many: a simulation in which nothing happens proves nothing.

macro_rules! tally {
    ($($kind:ident)*) => {
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Tally {
            $(pub $kind: u64,)*
        }

        impl Tally {
            pub fn add(&mut self, other: &Tally) {
                $(self.$kind += other.$kind;)*
            }

            pub fn counts(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($kind), self.$kind)),*]
            }
        }
    };
}

tally! {
    hung silent_restarts looks heartbeats pokes deaths server_deaths starts failed_starts loops
    requests done discarded given_up kills stops reboots sleeps
    clock_sets outages holds by_hand begun calms
}
