"""The page and its JSON API: `shipper web`. A door: what it shows and does are the inspector's use cases."""
