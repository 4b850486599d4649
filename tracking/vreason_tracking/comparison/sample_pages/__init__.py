"""A page for one sample: what was asked, and the runs' replies side by side, token by token.

disagreement picks the samples, reading fills their pages out of the records, templates/sample.html.j2 shows them.
"""
