"""What `vreason-track doctor` looks at: `checks` has all of them, `store` those of the tracking store, `check` what a check finds."""
