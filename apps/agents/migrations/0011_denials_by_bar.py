from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agents', '0010_practice_promotions'),
    ]

    operations = [
        migrations.RemoveIndex(model_name='decision', name='decision_denied'),
        migrations.AddIndex(
            model_name='decision',
            index=models.Index(condition=models.Q(('outcome', 'DENIED')), fields=['-closed_at'], name='decision_denied'),
        ),
    ]
