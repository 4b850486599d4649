"""Cards as pages and as an API: a list that is searched, single cards, two beside each other, histories, badges and a feed."""
