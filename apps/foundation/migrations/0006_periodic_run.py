from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('foundation', '0005_audit_append_in_two_statements'),
    ]

    operations = [
        migrations.CreateModel(
            name='PeriodicRun',
            fields=[
                ('name', models.CharField(max_length=200, primary_key=True, serialize=False)),
                ('begun_at', models.DateTimeField()),
                ('runs', models.BigIntegerField(default=1)),
                ('left_alone', models.BigIntegerField(default=0, help_text='Messages that came too soon after the one before.')),
            ],
            options={
                'db_table': 'foundation_periodic_run',
            },
        ),
    ]
