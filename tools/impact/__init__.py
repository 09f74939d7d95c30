"""What a change does to data, access, alarms and money, before it is merged: ``make impact``."""
