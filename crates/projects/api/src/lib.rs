//! Projects, units and schedules of quantities as other crates see them.
