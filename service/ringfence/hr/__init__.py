"""HR sources: each one small file behind `app.hr_ports.HrSource`."""
