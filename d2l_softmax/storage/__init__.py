"""Files of other programs and of sweeps: to be dissolved."""
