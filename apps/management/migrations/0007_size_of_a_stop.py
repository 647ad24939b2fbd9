"""How much an emergency stop had to end, so that screens can say how far it has come."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('management', '0006_progress_of_containers'),
    ]

    operations = [
        migrations.AddField(
            model_name='fleetstate',
            name='orders_at_stop',
            field=models.PositiveIntegerField(default=0, help_text='Cancellations that waited for a venue then.'),
        ),
        migrations.AddField(
            model_name='fleetstate',
            name='agents_at_stop',
            field=models.PositiveIntegerField(default=0, help_text="Agents' containers that ran then."),
        ),
    ]
