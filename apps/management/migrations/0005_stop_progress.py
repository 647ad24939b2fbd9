from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('management', '0004_bridge'),
    ]

    operations = [
        migrations.AddField(
            model_name='fleetstate',
            name='orders_asked',
            field=models.BooleanField(default=False, help_text='Every open order was asked to be canceled.'),
        ),
        migrations.AddField(
            model_name='fleetstate',
            name='orders_ended_at',
            field=models.DateTimeField(blank=True, help_text='No cancellation waits any more.', null=True),
        ),
        migrations.AddField(
            model_name='fleetstate',
            name='agents_ended_at',
            field=models.DateTimeField(blank=True, help_text="No agent's container runs any more.", null=True),
        ),
    ]
