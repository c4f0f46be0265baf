"""Ways by which people are told: one file each, all behind `app.notifier.Channel`."""
