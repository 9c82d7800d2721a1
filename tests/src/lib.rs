//! What crosses domains: architecture rules, isolation, authorisation matrix, journeys.
