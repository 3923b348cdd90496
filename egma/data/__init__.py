"""Films, report sentences and what they say: manifests, the Open-i reports, and a negation-aware labeller."""
