"""Which agents an emergency stop has ended, so that screens can say so while others still end."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('management', '0008_old_post_may_go'),
    ]

    operations = [
        migrations.AddField(
            model_name='fleetstate',
            name='agents_ended',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80), blank=True, default=list, help_text='Names of those that have ended since.', size=None),
        ),
    ]
