"""Runs beside each other: which is better, at what cost, and how sure that is. Only like is compared with like.

selection -> recorded_run -> likeness -> frame -> accuracy, costs, memory, failures, paper, curves -> report
"""
