"""Intervals and tests for questions that share videos: cluster-robust, paired, and adjusted for how many were made."""
