"""How far a loop has come through the bars: `paper` (matching) and `guard` (stops)."""

from django.db import models


class Cursor(models.Model):
    name = models.CharField(max_length=40, primary_key=True)
    through = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} through {self.through:%Y-%m-%d %H:%M}"
