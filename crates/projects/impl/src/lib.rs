//! Projects, units and schedules of quantities.
