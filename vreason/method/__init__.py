"""The equations of V-Reason, one concept a file. Source: "Video Reasoning without Training" (arXiv 2510.17045)."""
